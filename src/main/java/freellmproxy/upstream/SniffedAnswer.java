package freellmproxy.upstream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import freellmproxy.json.ByteOrderMark;
import freellmproxy.upstream.UpstreamReply.Fault;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a request for a stream whose type says that it is none: some servers forget it or
 * name another one. It is what it begins with, behind white space and a byte order mark.
 */
final class SniffedAnswer implements AnswerReader {
  private static final byte[] NOTHING = {};

  /** What a line of an event stream begins with; no JSON and no HTML does. */
  private static final List<String> FIELDS = List.of("data:", "event:", "id:", "retry:", ":");

  private final AnswerReader whole;
  private final Supplier<AnswerReader> events;

  /** From the first character on, as long as it may yet become a field. */
  private byte[] opening = NOTHING;

  private @Nullable AnswerReader decided;

  private enum Sort {
    EVENTS,
    WHOLE,
    UNKNOWN
  }

  SniffedAnswer(AnswerReader whole, Supplier<AnswerReader> events) {
    this.whole = whole;
    this.events = events;
  }

  @Override
  public @Nullable Fault read(byte[] piece) {
    if (decided != null) {
      return decided.read(piece);
    }
    byte[] joined = Arrays.copyOf(opening, opening.length + piece.length);
    System.arraycopy(piece, 0, joined, opening.length, piece.length);
    opening = withoutSpace(joined);
    return switch (sort(opening)) {
      case UNKNOWN -> whole.read(piece);
      case WHOLE -> {
        decided = whole;
        yield whole.read(piece);
      }
      case EVENTS -> {
        whole.drop();
        decided = events.get();
        yield decided.read(opening);
      }
    };
  }

  private static byte[] withoutSpace(byte[] bytes) {
    int from = 0;
    while (from < bytes.length) {
      boolean isMark = ByteOrderMark.isAt(bytes, from, bytes.length);
      boolean isSpace = bytes[from] >= 0 && bytes[from] <= ' ';
      if (!isMark && !isSpace) {
        break;
      }
      from += isMark ? ByteOrderMark.LENGTH : 1;
    }
    return Arrays.copyOfRange(bytes, from, bytes.length);
  }

  private static Sort sort(byte[] opening) {
    String begin = new String(opening, 0, Math.min(opening.length, 8), ISO_8859_1);
    if (FIELDS.stream().anyMatch(begin::startsWith)) {
      return Sort.EVENTS;
    }
    boolean mayBecomeOne =
        ByteOrderMark.mayBeAt(opening, 0, opening.length)
            || FIELDS.stream().anyMatch(field -> field.startsWith(begin));
    return mayBecomeOne ? Sort.UNKNOWN : Sort.WHOLE;
  }

  @Override
  public boolean holds(int bytes) {
    return reader().holds(bytes);
  }

  @Override
  public UpstreamReply finish() {
    return reader().finish();
  }

  @Override
  public void drop() {
    reader().drop();
  }

  private AnswerReader reader() {
    return decided == null ? whole : decided;
  }
}

package freellmproxy.upstream;

import freellmproxy.upstream.UpstreamReply.Fault;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Collects the body of an answer. */
final class WholeAnswer implements AnswerReader {
  private static final byte[] NOTHING = {};

  /** What the heap needs for a piece besides its bytes; some upstreams send them one by one. */
  private static final int PIECE_OVERHEAD = 32;

  private final int status;
  private final ReplyHeaders headers;
  private final AnswerShare share;
  private final long largest;

  /** Mostly there is only one. */
  private final List<byte[]> pieces = new ArrayList<>(1);

  private int length;
  private long held;

  /**
   * Of an answer that has this head.
   *
   * @param largest in bytes
   */
  WholeAnswer(int status, ReplyHeaders headers, AnswerShare share, long largest) {
    this.status = status;
    this.headers = headers;
    this.share = share;
    this.largest = largest;
  }

  @Override
  public @Nullable Fault read(byte[] piece) {
    if (length + (long) piece.length > largest) {
      return Fault.TOO_LARGE;
    }
    length += piece.length;
    held += piece.length + PIECE_OVERHEAD;
    pieces.add(piece);
    return share.covers(held) ? null : Fault.NO_MEMORY;
  }

  @Override
  public boolean holds(int bytes) {
    return share.covers(held + bytes);
  }

  @Override
  public UpstreamReply finish() {
    return new UpstreamReply.Answer(status, headers, body());
  }

  private byte[] body() {
    if (pieces.isEmpty()) {
      return NOTHING;
    }
    if (pieces.size() == 1) {
      return pieces.getFirst();
    }
    byte[] body = new byte[length];
    int at = 0;
    for (byte[] piece : pieces) {
      System.arraycopy(piece, 0, body, at, piece.length);
      at += piece.length;
    }
    pieces.clear();
    return body;
  }

  @Override
  public void drop() {
    pieces.clear();
    share.drop();
  }
}

package freellmproxy.config;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Replaces secrets in texts that leave the process by what may be shown of them, in each of the
 * spellings of {@link SpelledChar} and in Base64. Immutable and thread-safe.
 *
 * <p>A text without a secret costs a fraction of a nanosecond for each byte: all spellings of a
 * secret are made of some characters only and are never shorter than itself, so a stretch in which
 * another character stands is skipped unread (as Boyer and Moore skip).
 */
public final class Redactor {
  /** Redacts nothing. */
  public static final Redactor NONE = new Redactor(List.of());

  /**
   * A shorter key may be a word that an answer needs, such as {@code lm-studio}; it is left alone.
   */
  private static final int SHORTEST_KEY = 12;

  /** Of what a forward proxy is told. */
  private static final int SHORTEST_CREDENTIALS = 8;

  private static final int BYTES = 256;

  private final List<Needle> needles;

  /** No spelling of any secret is shorter. */
  private final int shortest;

  /** The bytes that spellings are made of. */
  private final boolean[] spells = new boolean[BYTES];

  /** The secrets of which a spelling can begin with a byte. */
  private final List<List<Needle>> starting = new ArrayList<>(BYTES);

  private Redactor(List<Needle> needles) {
    this.needles = needles;
    this.shortest = needles.stream().mapToInt(Needle::length).min().orElse(Integer.MAX_VALUE);
    SpelledChar.mark(spells);
    needles.forEach(needle -> needle.mark(spells));
    for (int i = 0; i < BYTES; i++) {
      byte first = (byte) i;
      starting.add(needles.stream().filter(needle -> needle.canBeginWith(first)).toList());
    }
  }

  /** Redacts this key as well; shows its tail. */
  public Redactor with(Secret key) {
    return with(key.reveal(), key.tail(), SHORTEST_KEY);
  }

  /** Redacts what a forward proxy is told as well; shows none of it. */
  public Redactor withCredentials(String user, String password) {
    // Of a password the tail would be too much. The Base64 of the two has that of the password in
    // it, but a password may be too short to be looked for.
    return with(password, "***", SHORTEST_CREDENTIALS)
        .with(user + ":" + password, "***", SHORTEST_CREDENTIALS);
  }

  private Redactor with(String secret, String shown, int shortest) {
    if (secret.length() < shortest) {
      return this;
    }
    var all = new ArrayList<>(needles);
    all.addAll(Needle.of(secret.getBytes(UTF_8), shown));
    return new Redactor(List.copyOf(all));
  }

  /** The text without secrets; null for null. */
  public @Nullable String redact(@Nullable String text) {
    if (text == null) {
      return null;
    }
    byte[] bytes = text.getBytes(UTF_8);
    byte[] redacted = redact(bytes);
    return Arrays.equals(redacted, bytes) ? text : new String(redacted, UTF_8);
  }

  /** The text without secrets; the same array when there is none in it. */
  public byte[] redact(byte[] text) {
    Redacted redacted = null;
    int begin = 0;
    while (text.length - begin >= shortest) {
      int at = begin + shortest - 1;
      while (at >= begin && spells[text[at] & 0xff]) {
        at--;
      }
      if (at >= begin) {
        begin = at + 1;
        continue;
      }
      int end = begin + shortest;
      while (end < text.length && spells[text[end] & 0xff]) {
        end++;
      }
      redacted = redact(text, begin, end, redacted);
      begin = end + 1;
    }
    return redacted == null ? text : redacted.finish();
  }

  /** Redacts a stretch of nothing but bytes that spellings are made of. */
  private @Nullable Redacted redact(byte[] text, int begin, int end, @Nullable Redacted before) {
    Redacted redacted = before;
    int at = begin;
    while (at < end) {
      List<Needle> candidates = starting.get(text[at] & 0xff);
      if (candidates.isEmpty()) {
        at++;
        continue;
      }
      int found = -1;
      for (int i = 0; i < candidates.size() && found < 0; i++) {
        found = candidates.get(i).endOf(text, at, end);
        if (found >= 0) {
          redacted = redacted == null ? new Redacted(text) : redacted;
          redacted.replace(at, found, candidates.get(i).shown());
        }
      }
      // Part of a run of backslashes says something else than the whole.
      at = found >= 0 ? found : SpelledChar.next(text, at, end);
    }
    return redacted;
  }

  /** A text of which some has been replaced. */
  private static final class Redacted {
    private final byte[] text;
    private final ByteArrayOutputStream out;
    private int copied;

    Redacted(byte[] text) {
      this.text = text;
      this.out = new ByteArrayOutputStream(text.length);
    }

    void replace(int from, int to, byte[] by) {
      out.write(text, copied, from - copied);
      out.writeBytes(by);
      copied = to;
    }

    byte[] finish() {
      out.write(text, copied, text.length - copied);
      return out.toByteArray();
    }
  }
}

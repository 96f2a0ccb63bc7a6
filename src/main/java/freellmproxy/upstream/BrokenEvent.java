package freellmproxy.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import freellmproxy.json.ByteOrderMark;
import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What can be read of an event that is not one JSON object. Servers forget the line between two
 * events or the escape of a control character, and cut characters in two.
 *
 * @param parts what was glued together, each a JSON object, an array or {@code [DONE]}
 * @param rest whether something is left that cannot be read
 * @param repair whether a character had to be changed
 */
record BrokenEvent(List<byte[]> parts, Rest rest, Repair repair) {
  private static final byte[] PREFIX = "data:".getBytes(UTF_8);
  private static final byte[] DONE = "[DONE]".getBytes(UTF_8);
  private static final byte[] NULL = "null".getBytes(UTF_8);

  enum Rest {
    NOTHING,
    UNREADABLE
  }

  enum Repair {
    NOT_NEEDED,
    /** A text has been made readable, and may not be what the model meant in each character. */
    CHANGED_CHARACTERS
  }

  static BrokenEvent read(byte[] data) {
    // Puts U+FFFD where bytes are no UTF-8, which no reader can do without.
    byte[] sound = withControlsEscaped(new String(data, UTF_8).getBytes(UTF_8));
    var parts = new ArrayList<byte[]>(2);
    int at = pastFilling(sound, 0);
    while (at < sound.length) {
      int end = endOfPart(sound, at);
      if (end < 0) {
        break;
      }
      parts.add(Arrays.copyOfRange(sound, at, end));
      at = pastFilling(sound, end);
    }
    return new BrokenEvent(
        parts,
        at < sound.length ? Rest.UNREADABLE : Rest.NOTHING,
        Arrays.equals(sound, data) ? Repair.NOT_NEEDED : Repair.CHANGED_CHARACTERS);
  }

  /** Past what is no part and says nothing. */
  private static int pastFilling(byte[] data, int from) {
    int at = from;
    while (at < data.length) {
      if (data[at] >= 0 && data[at] <= ' ') {
        at++;
        continue;
      }
      int before = at;
      at += startsWith(data, at, PREFIX) ? PREFIX.length : 0;
      at += startsWith(data, at, NULL) ? NULL.length : 0;
      at += ByteOrderMark.isAt(data, at, data.length) ? ByteOrderMark.LENGTH : 0;
      if (at == before) {
        break;
      }
    }
    return at;
  }

  /** Negative when there is no part. */
  private static int endOfPart(byte[] data, int from) {
    if (startsWith(data, from, DONE)) {
      return from + DONE.length;
    }
    byte[] left = Arrays.copyOfRange(data, from, data.length);
    var json = new JsonCursor(left);
    Kind kind = json.kind();
    json.skip();
    boolean isPart = kind == Kind.OBJECT || kind == Kind.ARRAY;
    return isPart && json.fault() == null ? from + json.position() : -1;
  }

  private static boolean startsWith(byte[] data, int at, byte[] word) {
    int end = at + word.length;
    return end <= data.length && Arrays.equals(data, at, end, word, 0, word.length);
  }

  private static byte[] withControlsEscaped(byte[] data) {
    var out = new ByteArrayOutputStream(data.length + 16);
    boolean inString = false;
    boolean escaped = false;
    for (byte b : data) {
      if (inString && b >= 0 && b < ' ') {
        out.writeBytes("\\u%04x".formatted(b).getBytes(UTF_8));
        escaped = false;
        continue;
      }
      out.write(b);
      if (b == '"' && !escaped) {
        inString = !inString;
      }
      escaped = inString && b == '\\' && !escaped;
    }
    return out.toByteArray();
  }
}

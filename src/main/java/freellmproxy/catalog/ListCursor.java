package freellmproxy.catalog;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonText;
import org.jspecify.annotations.Nullable;

/**
 * Takes values of the list off a cursor, the cursor going behind them, and makes nothing of those
 * that are too long or of another type. For one thread.
 */
final class ListCursor {
  /** As many bytes as an escape takes for one character. */
  private static final int LONGEST_ESCAPE = 6;

  /** No number that means something is longer. */
  private static final int LONGEST_NUMBER = 40;

  private final byte[] bytes;
  private final JsonCursor json;

  ListCursor(byte[] bytes, int length) {
    this.bytes = bytes;
    this.json = new JsonCursor(bytes, length);
  }

  /** The cursor itself. */
  JsonCursor json() {
    return json;
  }

  /** The string that comes next, without white space around it; null when it is none, or longer. */
  @Nullable String text(int longest) {
    if (json.kind() != JsonCursor.Kind.STRING) {
      json.skip();
      return null;
    }
    int start = json.position();
    json.skip();
    int length = json.position() - start - 2;
    if (json.fault() != null || length > LONGEST_ESCAPE * longest) {
      return null;
    }
    String text = JsonText.decode(bytes, start, json.position()).strip();
    return text.length() > longest ? null : text;
  }

  /** The number that comes next; null when it is none, or infinite as a double. */
  @Nullable Double number() {
    if (json.kind() != JsonCursor.Kind.NUMBER) {
      json.skip();
      return null;
    }
    int start = json.position();
    json.skip();
    int length = json.position() - start;
    if (json.fault() != null || length > LONGEST_NUMBER) {
      return null;
    }
    double number = Double.parseDouble(new String(bytes, start, length, ISO_8859_1));
    return Double.isFinite(number) ? Double.valueOf(number) : null;
  }

  /** The boolean that comes next; null when it is none. */
  @Nullable Boolean flag() {
    JsonCursor.Kind kind = json.kind();
    json.skip();
    return switch (kind) {
      case TRUE -> Boolean.TRUE;
      case FALSE -> Boolean.FALSE;
      case OBJECT, ARRAY, STRING, NUMBER, NULL, NONE -> null;
    };
  }
}

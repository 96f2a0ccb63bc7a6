package freellmproxy.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * Finds the model and the stream flag in a request body without parsing it, so that the sandbox can
 * carry load. Good enough for bodies that the proxy or a test made: it takes the first top-level
 * looking occurrence.
 */
final class BodyGlance {
  private static final byte[] MODEL = "\"model\"".getBytes(UTF_8);
  private static final byte[] STREAM = "\"stream\"".getBytes(UTF_8);

  private BodyGlance() {}

  static String model(byte[] body) {
    int at = valueOf(MODEL, body);
    if (at < 0 || at >= body.length || body[at] != '"') {
      return "";
    }
    int end = at + 1;
    while (end < body.length && body[end] != '"') {
      end++;
    }
    return new String(body, at + 1, end - at - 1, UTF_8);
  }

  static boolean stream(byte[] body) {
    int at = valueOf(STREAM, body);
    return at >= 0 && at < body.length && body[at] == 't';
  }

  private static int valueOf(byte[] key, byte[] body) {
    for (int i = 0; i + key.length < body.length; i++) {
      if (startsWith(body, i, key)) {
        int at = skipSpace(body, i + key.length);
        if (at < body.length && body[at] == ':') {
          return skipSpace(body, at + 1);
        }
      }
    }
    return -1;
  }

  private static boolean startsWith(byte[] body, int from, byte[] key) {
    for (int i = 0; i < key.length; i++) {
      if (body[from + i] != key[i]) {
        return false;
      }
    }
    return true;
  }

  private static int skipSpace(byte[] body, int from) {
    int at = from;
    while (at < body.length && body[at] <= ' ') {
      at++;
    }
    return at;
  }
}

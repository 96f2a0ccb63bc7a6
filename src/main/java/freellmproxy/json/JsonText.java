package freellmproxy.json;

import static java.nio.charset.StandardCharsets.UTF_8;

/** Turns the bytes of a JSON string into text. */
public final class JsonText {
  /** A character, written as the number of a UTF-16 code unit. */
  private static final int LONGEST_ESCAPE = 6;

  private JsonText() {}

  /**
   * Decodes a string whose escapes are known to be sound.
   *
   * @param start offset of its opening quote
   * @param end offset behind its closing quote
   */
  public static String decode(byte[] bytes, int start, int end) {
    String raw = new String(bytes, start + 1, end - start - 2, UTF_8);
    return raw.indexOf('\\') < 0 ? raw : unescape(raw);
  }

  /**
   * Whether a string is that text, in ASCII. Makes no text of it unless it has escapes.
   *
   * @param start offset of its opening quote
   * @param end offset behind its closing quote
   */
  static boolean is(byte[] bytes, int start, int end, String expected) {
    int length = end - start - 2;
    if (length == expected.length()) {
      // An escape is longer than what it stands for.
      return matches(bytes, start + 1, end - 1, expected);
    }
    return length > expected.length()
        && length <= LONGEST_ESCAPE * expected.length()
        && hasEscapes(bytes, start, end)
        && decode(bytes, start, end).equals(expected);
  }

  /** Whether these bytes are that text in ASCII, as it is written. */
  static boolean matches(byte[] bytes, int from, int to, String expected) {
    if (to - from != expected.length()) {
      return false;
    }
    for (int i = from; i < to; i++) {
      if (bytes[i] != expected.charAt(i - from)) {
        return false;
      }
    }
    return true;
  }

  private static boolean hasEscapes(byte[] bytes, int start, int end) {
    for (int i = start; i < end; i++) {
      if (bytes[i] == '\\') {
        return true;
      }
    }
    return false;
  }

  /**
   * Where a string has to end to have no more bytes than that between its quotes: not in the middle
   * of a character or an escape. Says what {@code end} is to {@link #decode}.
   */
  static int cut(byte[] bytes, int start, int end, int longest) {
    if (end - start - 2 <= longest) {
      return end;
    }
    int limit = start + 1 + longest;
    int i = start + 1;
    int next = i;
    while (next <= limit) {
      i = next;
      next = i + length(bytes, i);
    }
    return i + 1;
  }

  /** How many bytes a character of a sound string has. */
  private static int length(byte[] bytes, int i) {
    if (bytes[i] == '\\') {
      return bytes[i + 1] == 'u' ? LONGEST_ESCAPE : 2;
    }
    return bytes[i] >= 0 ? 1 : Math.max(1, Integer.numberOfLeadingZeros(~bytes[i] << 24));
  }

  private static String unescape(String raw) {
    var text = new StringBuilder(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      char escaped = raw.charAt(++i);
      if (escaped == 'u') {
        text.append((char) Integer.parseInt(raw, i + 1, i + 5, 16));
        i += 4;
      } else {
        text.append(
            switch (escaped) {
              case 'b' -> '\b';
              case 'f' -> '\f';
              case 'n' -> '\n';
              case 'r' -> '\r';
              case 't' -> '\t';
              default -> escaped;
            });
      }
    }
    return text.toString();
  }
}

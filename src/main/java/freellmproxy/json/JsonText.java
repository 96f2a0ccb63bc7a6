package freellmproxy.json;

import static java.nio.charset.StandardCharsets.UTF_8;

/** Turns the bytes of a JSON string into text. */
final class JsonText {
  private JsonText() {}

  /**
   * Decodes a string whose escapes are known to be sound.
   *
   * @param start offset of its opening quote
   * @param end offset behind its closing quote
   */
  static String decode(byte[] bytes, int start, int end) {
    String raw = new String(bytes, start + 1, end - start - 2, UTF_8);
    return raw.indexOf('\\') < 0 ? raw : unescape(raw);
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

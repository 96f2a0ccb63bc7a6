package freellmproxy.http;

import io.netty.util.NetUtil;

/** Host and port as they stand in a {@code Host} header and a target (RFC 9110 section 4.2.1). */
final class Authority {
  private static final int LONGEST = 261;
  private static final int MAX_PORT_DIGITS = 5;
  private static final int MAX_PORT = 65_535;

  private Authority() {}

  /**
   * Whether it names one host. Letters, digits, {@code -._~} and escapes are what names are made
   * of; the RFC would also take what nobody has in a name, and a comma is rather a list.
   */
  static boolean isValid(String text) {
    if (text.isEmpty() || text.length() > LONGEST) {
      return false;
    }
    int end = text.charAt(0) == '[' ? text.indexOf(']') + 1 : nameEnd(text);
    boolean isHost =
        text.charAt(0) == '['
            ? end > 0 && NetUtil.isValidIpV6Address(text.substring(1, end - 1))
            : end > 0;
    return isHost && isPort(text, end);
  }

  /** Where a name ends; 0 where there is none. */
  private static int nameEnd(String text) {
    int at = 0;
    while (at < text.length() && text.charAt(at) != ':') {
      char c = text.charAt(at);
      if (c == '%' && isHex(text, at + 1) && isHex(text, at + 2)) {
        at += 3;
      } else if (isNamePart(c)) {
        at++;
      } else {
        return 0;
      }
    }
    return at;
  }

  private static boolean isNamePart(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || isDigit(c)
        || c == '.'
        || c == '-'
        || c == '_'
        || c == '~';
  }

  private static boolean isHex(String text, int at) {
    return at < text.length() && Character.digit(text.charAt(at), 16) >= 0;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  /** Whether there is nothing from there on, or a port, which may be empty. */
  private static boolean isPort(String text, int start) {
    if (start == text.length()) {
      return true;
    }
    if (text.charAt(start) != ':' || text.length() - start - 1 > MAX_PORT_DIGITS) {
      return false;
    }
    int port = 0;
    for (int i = start + 1; i < text.length(); i++) {
      if (!isDigit(text.charAt(i))) {
        return false;
      }
      port = 10 * port + text.charAt(i) - '0';
    }
    return port <= MAX_PORT;
  }
}

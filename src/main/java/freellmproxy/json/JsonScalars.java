package freellmproxy.json;

/**
 * Passes numbers and literals (RFC 8259 sections 3 and 6). Says where one ends; of a broken one the
 * complement of the offset of the fault, which is not below the end of the text when it is cut off.
 */
final class JsonScalars {
  private JsonScalars() {}

  static int passNumber(byte[] bytes, int from, int end) {
    int i = bytes[from] == '-' ? from + 1 : from;
    boolean leadingZero = i < end && bytes[i] == '0';
    int after = passDigits(bytes, i, end);
    i = leadingZero && after > i ? i + 1 : after;
    if (i >= 0 && i < end && bytes[i] == '.') {
      i = passDigits(bytes, i + 1, end);
    }
    if (i >= 0 && i < end && (bytes[i] == 'e' || bytes[i] == 'E')) {
      i++;
      boolean signed = i < end && (bytes[i] == '+' || bytes[i] == '-');
      i = passDigits(bytes, signed ? i + 1 : i, end);
    }
    return i;
  }

  private static int passDigits(byte[] bytes, int from, int end) {
    int i = from;
    while (i < end && bytes[i] >= '0' && bytes[i] <= '9') {
      i++;
    }
    return i == from ? ~i : i;
  }

  static int passLiteral(String literal, byte[] bytes, int from, int end) {
    for (int i = 0; i < literal.length(); i++) {
      if (from + i >= end || bytes[from + i] != literal.charAt(i)) {
        return ~(from + i);
      }
    }
    return from + literal.length();
  }
}

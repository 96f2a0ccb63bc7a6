package freellmproxy.config;

/**
 * One ASCII character as an echo may spell it: as it is; escaped in JSON, by a backslash or by its
 * code, also when that JSON is a string of another one; by its code in a string of a program
 * ({@code \x2f}), in a URL ({@code %2F}, {@code %252F}) or as a character reference of HTML,
 * decimal or hex.
 */
final class SpelledChar {
  private static final String MARKS = "\\uxX%&#;0123456789abcdefABCDEF";

  /** Longer runs of backslashes come of no escaping. */
  private static final int MOST_BACKSLASHES = 64;

  /** Zeros may come first. */
  private static final int MOST_DIGITS = 8;

  private static final int HEX = 16;
  private static final int DECIMAL = 10;

  private SpelledChar() {}

  /** Marks the bytes that a spelling can have besides the character itself. */
  static void mark(boolean[] bytes) {
    MARKS.chars().forEach(mark -> bytes[mark] = true);
  }

  /** Whether a spelling of any character can begin with this byte. */
  static boolean canBeginWith(byte first) {
    return first == '\\' || first == '%' || first == '&';
  }

  /** Where the next spelling can begin, when none does here: behind all of some backslashes. */
  static int next(byte[] text, int at, int end) {
    int next = at + 1;
    while (text[at] == '\\' && next < end && text[next] == '\\') {
      next++;
    }
    return next;
  }

  /** The end of a spelling of {@code wanted} that begins at {@code at}; -1 when there is none. */
  static int endOf(byte wanted, byte[] text, int at, int end) {
    if (at >= end) {
      return -1;
    }
    return switch (text[at]) {
      case '\\' -> endOfEscape(wanted, text, at, end);
      case '%' -> orItself(endOfPercent(wanted, text, at, end), wanted, text, at);
      case '&' -> orItself(endOfReference(wanted, text, at, end), wanted, text, at);
      default -> text[at] == wanted ? at + 1 : -1;
    };
  }

  private static int orItself(int coded, byte wanted, byte[] text, int at) {
    return coded < 0 && text[at] == wanted ? at + 1 : coded;
  }

  private static int endOfEscape(byte wanted, byte[] text, int from, int end) {
    int at = from;
    while (at < end && text[at] == '\\' && at - from < MOST_BACKSLASHES) {
      at++;
    }
    if (wanted == '\\') {
      return at;
    }
    int digits = at == end ? 0 : digitsOfEscape(text[at]);
    if (digits > 0 && valueOf(text, at + 1, at + 1 + digits, end, HEX) == wanted) {
      return at + 1 + digits;
    }
    return at < end && text[at] == wanted ? at + 1 : -1;
  }

  private static int digitsOfEscape(byte kind) {
    return switch (kind) {
      case 'u' -> 4;
      case 'x' -> 2;
      default -> 0;
    };
  }

  private static int endOfPercent(byte wanted, byte[] text, int from, int end) {
    int at = from + 1;
    // Encoded twice, a percent sign is encoded as well.
    while (at + 1 < end && text[at] == '2' && text[at + 1] == '5' && wanted != '%') {
      at += 2;
    }
    return valueOf(text, at, at + 2, end, HEX) == wanted ? at + 2 : -1;
  }

  private static int endOfReference(byte wanted, byte[] text, int from, int end) {
    int at = from + 1;
    if (at >= end || text[at++] != '#') {
      return -1;
    }
    boolean isHex = at < end && (text[at] == 'x' || text[at] == 'X');
    int digits = isHex ? at + 1 : at;
    int last = digits;
    while (last < end && last - digits < MOST_DIGITS && text[last] != ';') {
      last++;
    }
    boolean isWanted = valueOf(text, digits, last, end, isHex ? HEX : DECIMAL) == wanted;
    return isWanted && last < end && text[last] == ';' ? last + 1 : -1;
  }

  /** -1 where there are no such digits. */
  private static int valueOf(byte[] text, int from, int to, int end, int radix) {
    if (from >= to || to > end) {
      return -1;
    }
    int value = 0;
    for (int i = from; i < to; i++) {
      int digit = Character.digit(text[i], radix);
      if (digit < 0) {
        return -1;
      }
      value = value * radix + digit;
    }
    return value;
  }
}

package freellmproxy.json;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Passes the strings of one JSON text and checks them (RFC 8259 section 7, UTF-8 included). They
 * are nearly all of a request, so the places where plain ASCII ends are found in advance, many
 * bytes at a time. For one thread.
 */
final class JsonStrings {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** One bit for each character that may follow a backslash and ends the escape. */
  private static final long SHORT_ESCAPES_BELOW_64 = 1L << '"' | 1L << '/';

  private static final long SHORT_ESCAPES_FROM_64 =
      1L << '\\' | 1L << 'b' | 1L << 'f' | 1L << 'n' | 1L << 'r' | 1L << 't';

  /** So much is looked at in advance; what that needs stays in the nearest cache. */
  private static final int WINDOW = 4 << 10;

  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long LOW_BITS = ~HIGH_BITS;

  /** A product with it has the high bit of byte n at bit n of its top byte. */
  private static final long HIGH_BITS_TO_TOP_BYTE = 0x0002040810204081L;

  private static final long BACKSLASHES = '\\' * ONES;

  /**
   * Swaps the quote, 0x22, with the space, 0x20, and leaves control characters among themselves.
   */
  private static final long QUOTE_TO_SPACE = 0x02 * ONES;

  /** Brings what is not below 0x21 to the highest bit. */
  private static final long BELOW_QUOTE = (0x80 - 0x21) * ONES;

  /** Four characters of two bytes each, which is most text in Cyrillic, Greek or Hebrew. */
  private static final long TWO_BYTE_MASK = 0xC0E0C0E0C0E0C0E0L;

  private static final long TWO_BYTE_CHARACTERS = 0x80C080C080C080C0L;

  private final byte[] bytes;
  private final int end;

  /** The bytes of the window; the highest bit of each is set where one ends a plain run. */
  private final long[] flags;

  /** One bit for each byte of the window, set where it ends a plain run. */
  private final long[] runEnds;

  private int windowStart;
  private int windowEnd;

  /** Of the text that fills an array up to {@code end}. */
  JsonStrings(byte[] bytes, int end) {
    this.bytes = bytes;
    this.end = end;
    int words = words(Math.min(end, WINDOW));
    this.runEnds = new long[words];
    this.flags = new long[words * Long.BYTES];
  }

  /** How many words hold a bit for each of so many bytes. */
  private static int words(int length) {
    return (length + Long.SIZE - 1) / Long.SIZE;
  }

  /**
   * Passes the rest of a string.
   *
   * @param from after its opening quote
   * @return the offset after its closing quote; of a broken one the complement of the offset of the
   *     fault, which is not below the end when the string is cut off
   */
  int pass(int from) {
    int i = from;
    while (true) {
      i = skipAscii(i);
      if (i >= end) {
        return ~i;
      }
      byte b = bytes[i];
      if (b == '"') {
        return i + 1;
      }
      i = b == '\\' ? skipEscape(i) : b < 0 ? skipMultiByte(i) : ~i;
      if (i < 0) {
        return i;
      }
    }
  }

  /** Past plain ASCII and escapes of two bytes, up to anything else. */
  private int skipAscii(int from) {
    int i = from;
    while (i < end) {
      if (i >= windowEnd) {
        moveWindow(i);
      }
      i = skipAsciiInWindow(i);
      if (i < windowEnd) {
        return i;
      }
    }
    return i;
  }

  private int skipAsciiInWindow(int from) {
    int word = (from - windowStart) / Long.SIZE;
    int words = words(windowEnd - windowStart);
    long left = runEnds[word] & (-1L << (from - windowStart));
    while (true) {
      while (left == 0) {
        if (++word == words) {
          return windowEnd;
        }
        left = runEnds[word];
      }
      int bit = Long.numberOfTrailingZeros(left);
      int i = windowStart + word * Long.SIZE + bit;
      if (!beginsShortEscape(i)) {
        return i;
      }
      // What is escaped may look like an end too, and be in the next word.
      left &= ~(3L << bit);
      if (bit == Long.SIZE - 1) {
        if (++word == words) {
          return i + 2;
        }
        left = runEnds[word] & ~1L;
      }
    }
  }

  private boolean beginsShortEscape(int i) {
    return bytes[i] == '\\' && i + 1 < end && isShortEscape(bytes[i + 1]);
  }

  /** Looks in advance for all that ends a plain run. */
  private void moveWindow(int from) {
    int length = Math.min(end - from, WINDOW);
    windowStart = from;
    windowEnd = from + length;
    int whole = length / Long.BYTES;
    long some = flagRunEnds(from, whole);
    int words = words(length);
    Arrays.fill(flags, whole, words * Long.BYTES, 0);
    if (whole * Long.BYTES < length) {
      flags[whole] = lastRunEnds(from + whole * Long.BYTES);
      some |= flags[whole];
    }
    for (int word = 0; word < words; word++) {
      runEnds[word] = some == 0 ? 0 : bits(word * Long.BYTES);
    }
  }

  /** The compiler makes vectors of this loop: it has no branches and is the only one here. */
  private long flagRunEnds(int from, int words) {
    long some = 0;
    for (int word = 0; word < words; word++) {
      long flagged = runEndsIn(eightAt(from + word * Long.BYTES));
      flags[word] = flagged;
      some |= flagged;
    }
    return some;
  }

  /**
   * The highest bit of each of eight bytes that ends a plain run. No byte carries into the one
   * above it.
   */
  private static long runEndsIn(long eight) {
    long noQuoteOrControl = ((eight ^ QUOTE_TO_SPACE) & LOW_BITS) + BELOW_QUOTE;
    long noBackslash = ((eight ^ BACKSLASHES) & LOW_BITS) + LOW_BITS;
    return (~(noQuoteOrControl & noBackslash) | eight) & HIGH_BITS;
  }

  private long bits(int from) {
    long bits = 0;
    for (int i = 0; i < Long.BYTES; i++) {
      long eight = (flags[from + i] * HIGH_BITS_TO_TOP_BYTE) >>> (Long.SIZE - Byte.SIZE);
      bits |= eight << (i * Byte.SIZE);
    }
    return bits;
  }

  /** Of the less than eight bytes before the end. */
  private long lastRunEnds(int from) {
    long last = 0;
    for (int i = end - 1; i >= from; i--) {
      last = (last << Byte.SIZE) | (bytes[i] & 0xFF);
    }
    return runEndsIn(last) & (-1L >>> (Long.SIZE - (end - from) * Byte.SIZE));
  }

  private long eightAt(int i) {
    return (long) LONGS.get(bytes, i);
  }

  private static boolean isShortEscape(byte b) {
    return b >= 0 && ((b < 64 ? SHORT_ESCAPES_BELOW_64 : SHORT_ESCAPES_FROM_64) & (1L << b)) != 0;
  }

  private int skipEscape(int backslash) {
    int i = backslash + 1;
    if (i >= end) {
      return i;
    }
    if (bytes[i] == 'u') {
      return skipHexDigits(i + 1);
    }
    return isShortEscape(bytes[i]) ? i + 1 : ~i;
  }

  private int skipHexDigits(int from) {
    for (int i = from; i < from + 4 && i < end; i++) {
      if (Character.digit(bytes[i], 16) < 0) {
        return ~i;
      }
    }
    return from + 4;
  }

  /** Past characters of several bytes, and the spaces between words of them. */
  private int skipMultiByte(int from) {
    int i = from;
    while (i < end && (bytes[i] < 0 || bytes[i] == ' ')) {
      if (bytes[i] == ' ') {
        i++;
      } else if (i + Long.BYTES <= end && (eightAt(i) & TWO_BYTE_MASK) == TWO_BYTE_CHARACTERS) {
        i += Long.BYTES;
      } else {
        int length = lengthOfCharacter(bytes[i] & 0xFF);
        if (length == 0) {
          return ~i;
        }
        for (int more = 1; more < length && i + more < end; more++) {
          if ((bytes[i + more] & 0xC0) != 0x80) {
            return ~(i + more);
          }
        }
        i += length;
      }
    }
    return i;
  }

  private static int lengthOfCharacter(int first) {
    if (first < 0xC0 || first >= 0xF8) {
      return 0;
    }
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  }
}

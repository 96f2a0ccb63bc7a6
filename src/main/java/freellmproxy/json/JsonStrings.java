package freellmproxy.json;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Passes the strings of one JSON text and checks them (RFC 8259 section 7, UTF-8 included). They
 * are nearly all of a request, so the places where plain text ends are found in advance, many bytes
 * at a time. The escapes of quotes, line ends and tabs are plain text too, since code is full of
 * them. For one thread.
 */
final class JsonStrings {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** One bit for each character that may follow a backslash and ends the escape. */
  private static final long SHORT_ESCAPES_BELOW_64 = 1L << '"' | 1L << '/';

  private static final long SHORT_ESCAPES_FROM_64 =
      1L << '\\' | 1L << 'b' | 1L << 'f' | 1L << 'n' | 1L << 'r' | 1L << 't';

  /**
   * So much is looked at in advance; what that needs stays in the nearest cache. A power of two, so
   * that the place of a bit is in the offset of the byte before it.
   */
  private static final int WINDOW = 4 << 10;

  /** The binary logarithm of the bits in a word. */
  private static final int WORD = 6;

  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long LOW_BITS = ~HIGH_BITS;

  /** Beside the highest bits, says that there is more than ASCII. */
  private static final long LONG_CHARACTERS = HIGH_BITS >>> 1;

  /** Of a square of 8 by 8 bits, those above the diagonal of each square of 2 by 2. */
  private static final long UPPER_BITS = 0x00AA00AA00AA00AAL;

  /** The same for squares of 2 by 2 in each of 4 by 4, and of those in the whole. */
  private static final long UPPER_PAIRS = 0x0000CCCC0000CCCCL;

  private static final long UPPER_FOURS = 0x00000000F0F0F0F0L;

  private static final long BACKSLASHES = '\\' * ONES;
  private static final long QUOTES = '"' * ONES;

  /** With the quote, what mostly follows a backslash: the ends of lines and their indents. */
  private static final long NEW_LINES = 'n' * ONES;

  private static final long TABS = 't' * ONES;

  /** Brings what is no control character to the highest bit. */
  private static final long BELOW_SPACE = (0x80 - ' ') * ONES;

  private byte[] bytes = {};
  private int end;

  /** The bytes of the window; the highest bit of each is set where one ends a plain run. */
  private final long[] flags = new long[WINDOW / Long.BYTES];

  /** One bit for each byte of the window, set where it ends a plain run. */
  private final long[] runEnds = new long[WINDOW / Long.SIZE];

  private int windowEnd;

  /** Where UTF-8 is broken, as far as has been looked. */
  private int illFormedAt = Utf8.WELL_FORMED;

  /** Begins with the text that fills an array up to {@code end}. */
  void begin(byte[] bytes, int end) {
    this.bytes = bytes;
    this.end = end;
    windowEnd = 0;
    illFormedAt = Utf8.WELL_FORMED;
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
    if (from < windowEnd) {
      long left = runEndsFrom(from);
      int i = from + Long.numberOfTrailingZeros(left);
      if (left != 0 && bytes[i] == '"' && bytes[i - 1] != '\\' && i < illFormedAt) {
        return i + 1;
      }
    }
    return passLong(from);
  }

  /** The same for any string, though {@link #pass} has looked whether it is a short plain one. */
  private int passLong(int from) {
    int start = from;
    while (true) {
      int i = skipPlain(start);
      if (i >= illFormedAt) {
        return ~illFormedAt;
      }
      // Whatever is before the start, it is no backslash.
      if (bytes[i - 1] == '\\') {
        i = skipEscapes(i - 1);
      }
      if (i < 0) {
        return i;
      }
      if (i >= end || isControl(bytes[i])) {
        return ~i;
      }
      if (bytes[i] == '"') {
        return i + 1;
      }
      if (i >= windowEnd) {
        // Escapes reach beyond the window, and what follows them has not been looked at.
        moveWindow(i);
      }
      start = i + 1;
    }
  }

  /**
   * Past plain text, up to anything else. In front of what it stops at may be the backslash that
   * belongs to it.
   */
  private int skipPlain(int from) {
    int i = from;
    while (i < end) {
      if (i >= windowEnd) {
        moveWindow(i);
      }
      i = skipPlainInWindow(i);
      if (i < windowEnd) {
        return i;
      }
    }
    return i;
  }

  private int skipPlainInWindow(int from) {
    int i = from;
    long left = runEndsFrom(i);
    while (left == 0) {
      i = nextWord(i);
      if (i >= windowEnd) {
        return windowEnd;
      }
      left = runEndsFrom(i);
    }
    return i + Long.numberOfTrailingZeros(left);
  }

  /** The bits of this byte of the window, as the lowest one, and of those after it in its word. */
  private long runEndsFrom(int i) {
    int before = i - 1;
    return runEnds[(before & (WINDOW - 1)) >>> WORD] >>> before;
  }

  /** The first byte whose bit is in the next word. */
  private static int nextWord(int i) {
    return ((i - 1) | (Long.SIZE - 1)) + 2;
  }

  /**
   * Looks in advance for all that ends a plain run, in the window with this place. Windows begin
   * one byte behind a multiple of their length, since each byte is looked at with the one before.
   */
  private void moveWindow(int place) {
    int from = ((place - 1) & -WINDOW) + 1;
    int length = Math.min(end - from, WINDOW);
    windowEnd = from + length;
    int whole = length / Long.BYTES;
    long some = flagRunEnds(from, whole);
    int words = words(length);
    Arrays.fill(flags, whole, words * Long.BYTES, 0);
    if (whole * Long.BYTES < length) {
      some |= flagLastRunEnds(from + whole * Long.BYTES, whole);
    }
    if ((some & HIGH_BITS) == 0) {
      Arrays.fill(runEnds, 0, words, 0);
    } else {
      layFlags(words);
      transpose(runEnds, words);
    }
    if ((some & LONG_CHARACTERS) != 0 || bytes[from - 1] < 0) {
      illFormedAt = Math.min(illFormedAt, Utf8.firstIllFormed(bytes, from, windowEnd));
    }
  }

  /**
   * The compiler makes vectors of this loop: it has no branches and is the only one here.
   *
   * @return all flags in one, and {@code LONG_CHARACTERS} where there are some
   */
  private long flagRunEnds(int from, int words) {
    long some = 0;
    long all = 0;
    for (int word = 0; word < words; word++) {
      int i = from + word * Long.BYTES;
      long eight = eightAt(i);
      long flagged = runEndsIn(eight, eightAt(i - 1));
      flags[word] = flagged;
      some |= flagged;
      all |= eight;
    }
    return some | longCharactersIn(all);
  }

  /**
   * The highest bit of each of eight bytes that ends a plain run: a quote without a backslash
   * before it, anything but a common escape with one, a control character. What follows two
   * backslashes is taken for escaped too; at the second one somebody has to look. No byte carries
   * into the one above it.
   *
   * @param before the bytes one place before them
   */
  private static long runEndsIn(long eight, long before) {
    long low = eight & LOW_BITS;
    long noControl = low + BELOW_SPACE;
    long noQuote = (low ^ QUOTES) + LOW_BITS;
    long noLetter = ((low ^ NEW_LINES) + LOW_BITS) & ((low ^ TABS) + LOW_BITS);
    long noBackslashBefore = (((before & LOW_BITS) ^ BACKSLASHES) + LOW_BITS) | before;
    long goesOnAfterAny = noQuote & (noBackslashBefore | noLetter);
    long quoteOrNoEscape = noBackslashBefore ^ (goesOnAfterAny | eight);
    return (quoteOrNoEscape | ~(noControl | eight)) & HIGH_BITS;
  }

  /** What {@link #flagRunEnds} does, for the less than eight bytes before the end. */
  private long flagLastRunEnds(int from, int word) {
    long last = 0;
    for (int i = end - 1; i >= from; i--) {
      last = (last << Byte.SIZE) | (bytes[i] & 0xFF);
    }
    long before = (last << Byte.SIZE) | (bytes[from - 1] & 0xFF);
    flags[word] = runEndsIn(last, before) & (-1L >>> (Long.SIZE - (end - from) * Byte.SIZE));
    return flags[word] | longCharactersIn(last);
  }

  private static long longCharactersIn(long bytes) {
    return (bytes & HIGH_BITS) >>> 1;
  }

  /** Eight words of flags in each: bit k of its byte i is the flag of byte i of the k-th word. */
  private void layFlags(int words) {
    for (int word = 0; word < words; word++) {
      int from = word * Long.BYTES;
      runEnds[word] =
          flags[from] >>> 7
              | flags[from + 1] >>> 6
              | flags[from + 2] >>> 5
              | flags[from + 3] >>> 4
              | flags[from + 4] >>> 3
              | flags[from + 5] >>> 2
              | flags[from + 6] >>> 1
              | flags[from + 7];
    }
  }

  /**
   * Makes bit k of byte i of each word bit i of byte k: single bits, pairs and fours change places
   * across the diagonal. The compiler makes vectors of this loop, which is faster than to collect
   * the bits of one byte after the other.
   */
  private static void transpose(long[] squares, int words) {
    for (int word = 0; word < words; word++) {
      long square = squares[word];
      long differ = (square ^ (square >>> 7)) & UPPER_BITS;
      square ^= differ ^ (differ << 7);
      differ = (square ^ (square >>> 14)) & UPPER_PAIRS;
      square ^= differ ^ (differ << 14);
      differ = (square ^ (square >>> 28)) & UPPER_FOURS;
      squares[word] = square ^ differ ^ (differ << 28);
    }
  }

  private long eightAt(int i) {
    return (long) LONGS.get(bytes, i);
  }

  private static boolean isControl(byte b) {
    return b >= 0 && b < ' ';
  }

  private static boolean isShortEscape(byte b) {
    return b >= 0 && ((b < 64 ? SHORT_ESCAPES_BELOW_64 : SHORT_ESCAPES_FROM_64) & (1L << b)) != 0;
  }

  /** Past escapes of any kind, one behind the other. */
  private int skipEscapes(int from) {
    int i = from;
    while (i >= 0 && i < end && bytes[i] == '\\') {
      i = skipEscape(i);
    }
    return i;
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
}

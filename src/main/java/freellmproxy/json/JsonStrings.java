package freellmproxy.json;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Passes the strings of one JSON text and checks them (RFC 8259 section 7, UTF-8 included). They
 * are nearly all of a request, so plain ASCII is read in words of eight bytes and, where there is
 * much of it, in blocks. For one thread.
 */
final class JsonStrings {
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** One bit for each character that may follow a backslash and ends the escape. */
  private static final long SHORT_ESCAPES_BELOW_64 = 1L << '"' | 1L << '/';

  private static final long SHORT_ESCAPES_FROM_64 =
      1L << '\\' | 1L << 'b' | 1L << 'f' | 1L << 'n' | 1L << 'r' | 1L << 't';

  /** Many vectors, and less than it costs to look at it twice. */
  private static final int BLOCK = 1 << 10;

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

  private static final long ABOVE_SPACE = 0x21 * ONES;

  /** Four characters of two bytes each, which is most text in Cyrillic, Greek or Hebrew. */
  private static final long TWO_BYTE_MASK = 0xC0E0C0E0C0E0C0E0L;

  private static final long TWO_BYTE_CHARACTERS = 0x80C080C080C080C0L;

  private final byte[] bytes;
  private final int end;

  /** Of the text that fills an array up to {@code end}. */
  JsonStrings(byte[] bytes, int end) {
    this.bytes = bytes;
    this.end = end;
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
    while (i + Long.BYTES < end) {
      long eight = eightAt(i);
      long special = special(eight);
      if (special == 0) {
        i = skipLongRun(i + Long.BYTES);
        continue;
      }
      int shift = Long.numberOfTrailingZeros(special) & -Byte.SIZE;
      i += shift / Byte.SIZE;
      if ((byte) (eight >>> shift) != '\\' || !isShortEscape(bytes[i + 1])) {
        return i;
      }
      i += 2;
      if (i + Long.SIZE < end && (eightAt(i) & HIGH_BITS) == 0) {
        i = skipEscapes(i);
      }
    }
    while (i < end && bytes[i] >= ' ' && bytes[i] != '"' && bytes[i] != '\\') {
      i++;
    }
    return i;
  }

  /**
   * Past plain ASCII and escapes of two bytes, 64 bytes at a time, as long as there are escapes:
   * where one is, as in code, more are near. May stop anywhere in between.
   */
  private int skipEscapes(int from) {
    int i = from;
    while (i + Long.SIZE < end) {
      long special = specialsIn64(i);
      if (special == 0) {
        return i + Long.SIZE;
      }
      int next = i + Long.SIZE;
      do {
        int at = Long.numberOfTrailingZeros(special);
        if (bytes[i + at] != '\\' || !isShortEscape(bytes[i + at + 1])) {
          return i + at;
        }
        if (at == Long.SIZE - 1) {
          next++;
          break;
        }
        special &= ~(3L << at);
      } while (special != 0);
      i = next;
    }
    return i;
  }

  /** A bit for each of 64 bytes that ends a plain run. */
  private long specialsIn64(int from) {
    long specials = 0;
    for (int i = 0; i < Long.SIZE; i += Long.BYTES) {
      specials |= specialsIn8(from + i) << i;
    }
    return specials;
  }

  /** The same of eight: no byte borrows from another here, so each bit is right. */
  private long specialsIn8(int i) {
    long eight = eightAt(i);
    long noQuoteOrControl = ((eight ^ QUOTE_TO_SPACE) & LOW_BITS) + (0x80 - 0x21) * ONES;
    long noBackslash = ((eight ^ BACKSLASHES) & LOW_BITS) + LOW_BITS;
    long special = (~(noQuoteOrControl & noBackslash) | eight) & HIGH_BITS;
    return (special * HIGH_BITS_TO_TOP_BYTE) >>> (Long.SIZE - Byte.SIZE);
  }

  /** Past plain ASCII, two words at a time, and in blocks where there is much of it. */
  private int skipLongRun(int from) {
    int i = from;
    int blocksFrom = from + BLOCK / 2;
    for (int last = Math.min(end - 2 * Long.BYTES, blocksFrom); i <= last; i += 2 * Long.BYTES) {
      if ((special(eightAt(i)) | special(eightAt(i + Long.BYTES))) != 0) {
        return i;
      }
    }
    return i < blocksFrom ? i : skipBlocks(i);
  }

  /** The compiler makes vectors of the inner loop, since it does not end before its time. */
  private int skipBlocks(int from) {
    int i = from;
    for (int last = end - BLOCK; i <= last; i += BLOCK) {
      long special = 0;
      for (int word = i; word < i + BLOCK; word += Long.BYTES) {
        special |= special(eightAt(word));
      }
      if (special != 0) {
        break;
      }
    }
    return i;
  }

  private long eightAt(int i) {
    return (long) LONGS.get(bytes, i);
  }

  /**
   * The high bit of each of eight bytes that ends a plain run. A subtraction sets it in a byte that
   * is too small and borrows from the bytes above, so bits above the lowest one may be wrong.
   */
  private static long special(long eight) {
    long quotesAndControls = (eight ^ QUOTE_TO_SPACE) - ABOVE_SPACE;
    long backslashes = (eight ^ BACKSLASHES) - ONES;
    return (quotesAndControls | backslashes | eight) & HIGH_BITS;
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

  private int skipMultiByte(int from) {
    int i = from;
    while (i + Long.BYTES <= end && (eightAt(i) & TWO_BYTE_MASK) == TWO_BYTE_CHARACTERS) {
      i += Long.BYTES;
    }
    while (i < end && bytes[i] < 0) {
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
    return i;
  }

  private static int lengthOfCharacter(int first) {
    if (first < 0xC0 || first >= 0xF8) {
      return 0;
    }
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  }
}

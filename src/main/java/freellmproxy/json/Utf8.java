package freellmproxy.json;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Checks that bytes are UTF-8 (RFC 3629 section 3), many at a time. As Jackson does, it looks at
 * how many bytes each character has, not at which character it is.
 */
final class Utf8 {
  /** The place of a fault that is not there, beyond all others. */
  static final int WELL_FORMED = Integer.MAX_VALUE;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private static final long HIGH_BITS = 0x8080808080808080L;

  /** So many bytes of a character are before its last one, at most. */
  private static final int LONGEST_BEFORE = 3;

  private Utf8() {}

  /**
   * Looks for the first byte that is not of the kind that those before it ask for. Characters may
   * begin before {@code from} and end after {@code to}.
   *
   * @return its offset, or {@link #WELL_FORMED}
   */
  static int firstIllFormed(byte[] bytes, int from, int to) {
    int first = Math.clamp(LONGEST_BEFORE, from, to);
    int words = (to - first) / Long.BYTES;
    int rest = first + words * Long.BYTES;
    if (isIllFormed(bytes, first, words)) {
      return firstOf(bytes, from, to);
    }
    return Math.min(firstOf(bytes, from, first), firstOf(bytes, rest, to));
  }

  /** The compiler makes vectors of this loop. */
  private static boolean isIllFormed(byte[] bytes, int from, int words) {
    long wrong = 0;
    for (int word = 0; word < words; word++) {
      int i = from + word * Long.BYTES;
      long eight = eightAt(bytes, i);
      long back1 = eightAt(bytes, i - 1);
      long back2 = eightAt(bytes, i - 2);
      long back3 = eightAt(bytes, i - 3);
      // All shifts bring a lower bit of the same byte to its highest.
      long hasToContinue =
          (back1 & (back1 << 1))
              | (back2 & (back2 << 1) & (back2 << 2))
              | (back3 & (back3 << 1) & (back3 << 2) & (back3 << 3));
      long continues = eight & ~(eight << 1);
      long isNoByteOfAny = eight & (eight << 1) & (eight << 2) & (eight << 3) & (eight << 4);
      wrong |= (hasToContinue ^ continues) | isNoByteOfAny;
    }
    return (wrong & HIGH_BITS) != 0;
  }

  private static long eightAt(byte[] bytes, int i) {
    return (long) LONGS.get(bytes, i);
  }

  private static int firstOf(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      boolean hasToContinue =
          at(bytes, i - 1) >= 0xC0 || at(bytes, i - 2) >= 0xE0 || at(bytes, i - 3) >= 0xF0;
      boolean continues = (bytes[i] & 0xC0) == 0x80;
      if (hasToContinue != continues || at(bytes, i) >= 0xF8) {
        return i;
      }
    }
    return WELL_FORMED;
  }

  private static int at(byte[] bytes, int i) {
    return i < 0 ? 0 : bytes[i] & 0xFF;
  }
}

package freellmproxy.json;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Checks that bytes are UTF-8 (RFC 3629 sections 3 and 4), many at a time. */
final class Utf8 {
  /** The place of a fault that is not there, beyond all others. */
  static final int WELL_FORMED = Integer.MAX_VALUE;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private static final long ONES = 0x0101010101010101L;
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

  private static boolean isIllFormed(byte[] bytes, int from, int words) {
    long wrong = wrongLengths(bytes, from, words) | wrongCharacters(bytes, from, words);
    return (wrong & HIGH_BITS) != 0;
  }

  /**
   * Where there are more or fewer bytes behind the first one of a character than it says. The
   * compiler makes vectors of this loop, which it would not do if it were longer.
   */
  private static long wrongLengths(byte[] bytes, int from, int words) {
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
      wrong |= hasToContinue ^ continues;
    }
    return wrong;
  }

  /**
   * Where the first two bytes of a character are of none: C0 and C1 begin another form of ASCII; E0
   * before 80 to 9F and F0 before 80 to 8F what could be shorter; ED before A0 to BF is half of a
   * surrogate pair; F4 before 90 to BF and what is above F4 are more than Unicode has.
   */
  private static long wrongCharacters(byte[] bytes, int from, int words) {
    long wrong = 0;
    for (int word = 0; word < words; word++) {
      int i = from + word * Long.BYTES;
      long second = eightAt(bytes, i);
      long first = eightAt(bytes, i - 1);
      wrong |= beginsNothing(second) | isOutside(first, second);
    }
    return wrong;
  }

  private static long beginsNothing(long eight) {
    // No byte carries into the one above it.
    long low = eight & ~HIGH_BITS;
    long isFromC2 = low + 0x3E * ONES;
    long isFromC0 = low + 0x40 * ONES;
    return eight & ((isFromC0 & ~isFromC2) | (low + 0x0B * ONES));
  }

  private static long isOutside(long first, long second) {
    long isFromA0 = second << 2;
    long isFrom90 = isFromA0 | (second << 3);
    return (is(first, 0xE0) & ~isFromA0)
        | (is(first, 0xED) & isFromA0)
        | (is(first, 0xF0) & ~isFrom90)
        | (is(first, 0xF4) & isFrom90);
  }

  /** The highest bit of each byte that is this one. */
  private static long is(long bytes, long one) {
    long differs = bytes ^ one * ONES;
    return ~(((differs & ~HIGH_BITS) + ~HIGH_BITS) | differs);
  }

  private static long eightAt(byte[] bytes, int i) {
    return (long) LONGS.get(bytes, i);
  }

  private static int firstOf(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      int before = at(bytes, i - 1);
      int b = at(bytes, i);
      boolean hasToContinue =
          before >= 0xC0 || at(bytes, i - 2) >= 0xE0 || at(bytes, i - 3) >= 0xF0;
      boolean continues = (b & 0xC0) == 0x80;
      if (hasToContinue != continues || b == 0xC0 || b == 0xC1 || b > 0xF4) {
        return i;
      }
      if (isOutside(before, b)) {
        return i;
      }
    }
    return WELL_FORMED;
  }

  private static boolean isOutside(int first, int second) {
    return switch (first) {
      case 0xE0 -> second < 0xA0;
      case 0xED -> second > 0x9F;
      case 0xF0 -> second < 0x90;
      case 0xF4 -> second > 0x8F;
      default -> false;
    };
  }

  private static int at(byte[] bytes, int i) {
    return i < 0 ? 0 : bytes[i] & 0xFF;
  }
}

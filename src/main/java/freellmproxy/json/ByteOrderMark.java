package freellmproxy.json;

/**
 * U+FEFF in UTF-8. Some editors, shells and servers put it before all that they write, where JSON
 * and event streams have no use for it.
 */
public final class ByteOrderMark {
  public static final int LENGTH = 3;

  /** The three bytes as one number, the first one highest. */
  public static final int BYTES = 0xEFBBBF;

  private ByteOrderMark() {}

  /** Whether it is there, before {@code end}. */
  public static boolean isAt(byte[] bytes, int at, int end) {
    return end - at >= LENGTH && mayBeAt(bytes, at, end);
  }

  /** Whether it is there, or its beginning before {@code end}, or nothing at all. */
  public static boolean mayBeAt(byte[] bytes, int at, int end) {
    int known = Math.min(end - at, LENGTH);
    int read = 0;
    for (int i = 0; i < known; i++) {
      read = (read << Byte.SIZE) | Byte.toUnsignedInt(bytes[at + i]);
    }
    return read == BYTES >>> ((LENGTH - known) * Byte.SIZE);
  }
}

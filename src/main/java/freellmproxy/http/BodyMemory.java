package freellmproxy.http;

import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.internal.PlatformDependent;

/**
 * The part of the memory outside the heap that request bodies may fill. A body for which there is
 * no room is refused; memory that has run out would fail whoever needs some next, sockets included.
 */
final class BodyMemory {
  private static final long LIMIT = PlatformDependent.maxDirectMemory() / 4 * 3;

  /** A request that is not asked, since looking costs more than so little. */
  private static final int ALWAYS_FITS = 64 << 10;

  private BodyMemory() {}

  /** Whether a buffer of so many bytes may be made. For any thread. */
  static boolean hasRoomFor(int bytes) {
    return bytes <= ALWAYS_FITS
        || PooledByteBufAllocator.DEFAULT.pinnedDirectMemory() + bytes <= LIMIT;
  }
}

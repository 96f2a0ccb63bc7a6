package freellmproxy.http;

import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.internal.PlatformDependent;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The part of the memory outside the heap that request bodies may fill. A body for which there is
 * no room is refused; memory that has run out would fail whoever needs some next, sockets included.
 */
final class BodyMemory {
  private static final long LIMIT = PlatformDependent.maxDirectMemory() / 2;

  /** There is always room for a body as small as this. */
  private static final int ALWAYS_FITS = 64 << 10;

  /** So many bytes may be taken before somebody looks again: looking walks through every chunk. */
  private static final AtomicLong UNSEEN = new AtomicLong();

  private BodyMemory() {}

  /** Whether a buffer of so many bytes may be made. For any thread. */
  static boolean hasRoomFor(int bytes) {
    if (bytes <= ALWAYS_FITS || UNSEEN.addAndGet(-bytes) >= 0) {
      return true;
    }
    long room = LIMIT - PooledByteBufAllocator.DEFAULT.pinnedDirectMemory() - bytes;
    // No more than an eighth: others need memory meanwhile.
    UNSEEN.set(room / 8);
    return room >= 0;
  }
}

package freellmproxy.http;

import io.netty.util.internal.PlatformDependent;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that heads, trailers and chunk sizes may fill which have begun and not ended, on all
 * connections together. Nobody needs a key to send them. What comes whole in one read, as nearly
 * all do, is not counted and always fits. For any thread.
 */
final class HeadMemory {
  private static final AtomicLong LEFT = new AtomicLong(PlatformDependent.maxDirectMemory() / 8);

  private HeadMemory() {}

  /** Takes so many bytes, to be given back; says false, and takes none, where they are not left. */
  static boolean take(int bytes) {
    if (LEFT.addAndGet(-bytes) >= 0) {
      return true;
    }
    giveBack(bytes);
    return false;
  }

  static void giveBack(int bytes) {
    LEFT.addAndGet(bytes);
  }
}

package freellmproxy.upstream;

import io.netty.util.internal.PlatformDependent;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that answers may fill, from their first byte to the moment in which the client has
 * taken the last one. Memory that has run out would end the process, and every other request with
 * it; an answer for which there is no room fails alone (docs/decisions/0035). Thread-safe.
 */
public final class AnswerMemory {
  /** What is smaller is not counted; the buffers of the kernel take as much at once. */
  static final int ALWAYS_FITS = 8 << 10;

  /** Larger than any real answer. */
  private static final long LARGEST_ANSWER = 64 << 20;

  private final long limit;
  private final AtomicLong taken = new AtomicLong();

  /** With room for so many bytes. */
  public AnswerMemory(long limit) {
    this.limit = limit;
  }

  /**
   * What this process can spare. An answer is collected on the heap, where as much again is needed
   * for a moment when it is put together, and waits for its client outside of it.
   */
  public static AnswerMemory ofThisProcess() {
    long heap = Runtime.getRuntime().maxMemory() / 6;
    long direct = PlatformDependent.maxDirectMemory() / 4;
    return new AnswerMemory(Math.min(heap, direct));
  }

  /** The largest answer that is taken when there is no other, in bytes. */
  long largestAnswer() {
    return Math.min(limit, LARGEST_ANSWER);
  }

  /** Whether so much is taken that no request should be sent upstream whose answer may not fit. */
  public boolean isTight() {
    return taken.get() > limit / 4 * 3;
  }

  /** Takes so many bytes; says false where there are not so many left. */
  boolean take(long bytes) {
    boolean fits = taken.addAndGet(bytes) <= limit;
    if (!fits) {
      giveBack(bytes);
    }
    return fits;
  }

  void giveBack(long bytes) {
    taken.addAndGet(-bytes);
  }
}

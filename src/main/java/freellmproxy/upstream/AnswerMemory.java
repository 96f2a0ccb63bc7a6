package freellmproxy.upstream;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The part of the heap that large answers may fill while they are read. One that finds no room
 * there failed; memory that has run out would end the process, and every other request with it.
 * Thread-safe.
 */
public final class AnswerMemory {
  /** Nearly all answers are smaller than this; they are not counted. */
  static final int ALWAYS_FITS = 1 << 20;

  /** As much again is needed for a moment when one of them grows or is handed on. */
  private final long limit = Runtime.getRuntime().maxMemory() / 3;

  private final AtomicLong taken = new AtomicLong();

  /** Takes so many bytes; says false where there are not so many left. */
  boolean take(int bytes) {
    boolean fits = taken.addAndGet(bytes) <= limit;
    if (!fits) {
      giveBack(bytes);
    }
    return fits;
  }

  void giveBack(int bytes) {
    taken.addAndGet(-bytes);
  }
}

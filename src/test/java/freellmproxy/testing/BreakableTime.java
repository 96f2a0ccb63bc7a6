package freellmproxy.testing;

import freellmproxy.time.Time;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;

/** Another time that can be told to throw: a bug in the middle of whatever asks for a stamp. */
public final class BreakableTime extends ForwardingTime {
  private final AtomicInteger faults = new AtomicInteger();

  public BreakableTime(Time time) {
    super(time);
  }

  /** From now on {@link #instant} throws. */
  public void breakDown() {
    breakDown(Integer.MAX_VALUE);
  }

  /** {@link #instant} throws so many times. */
  public void breakDown(int times) {
    faults.set(times);
  }

  /** From now on nothing throws. */
  public void mend() {
    faults.set(0);
  }

  @Override
  public Instant instant() {
    if (faults.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      throw new IllegalStateException("a bug that a test wants");
    }
    return super.instant();
  }
}

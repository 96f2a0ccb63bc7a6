package freellmproxy.testing;

import freellmproxy.time.Time;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;

/** Another time that can be told to throw: a bug in the middle of whatever asks for a stamp. */
public final class BreakableTime extends ForwardingTime {
  private final AtomicInteger faults = new AtomicInteger();
  private volatile Throwable fault = new IllegalStateException("a bug that a test wants");

  public BreakableTime(Time time) {
    super(time);
  }

  /** From now on {@link #instant} and {@link #steady} throw. */
  public void breakDown() {
    breakDown(Integer.MAX_VALUE);
  }

  /** The same; it throws this, whatever its type. */
  public void breakDown(Throwable fault) {
    this.fault = fault;
    breakDown();
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> void throwAny(Throwable fault) throws T {
    throw (T) fault;
  }

  /** They throw so many times. */
  public void breakDown(int times) {
    faults.set(times);
  }

  /** From now on nothing throws. */
  public void mend() {
    faults.set(0);
  }

  @Override
  public Instant instant() {
    mayThrow();
    return super.instant();
  }

  @Override
  public Instant steady() {
    mayThrow();
    return super.steady();
  }

  private void mayThrow() {
    if (faults.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      throwAny(fault);
    }
  }
}

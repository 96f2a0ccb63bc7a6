package freellmproxy.testing;

import freellmproxy.time.Time;
import java.time.Duration;
import java.time.Instant;

/** Another time that can be told to throw: a bug in the middle of whatever asks for a stamp. */
public final class BreakableTime implements Time {
  private final Time time;
  private volatile boolean broken;

  public BreakableTime(Time time) {
    this.time = time;
  }

  /** From now on {@link #instant} throws. */
  public void breakDown() {
    broken = true;
  }

  /** From now on nothing throws. */
  public void mend() {
    broken = false;
  }

  @Override
  public Instant instant() {
    if (broken) {
      throw new IllegalStateException("a bug that a test wants");
    }
    return time.instant();
  }

  @Override
  public long nanos() {
    return time.nanos();
  }

  @Override
  public Timer after(Duration delay, Runnable task) {
    return time.after(delay, task);
  }
}

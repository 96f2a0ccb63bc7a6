package freellmproxy.testing;

import freellmproxy.time.Time;
import java.time.Duration;
import java.time.Instant;

/** Another time, for tests to change one thing about it. */
abstract class ForwardingTime implements Time {
  private final Time time;

  ForwardingTime(Time time) {
    this.time = time;
  }

  @Override
  public Instant instant() {
    return time.instant();
  }

  @Override
  public Instant steady() {
    return time.steady();
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

package freellmproxy.testing;

import freellmproxy.time.Time;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Another time, with a count of the timers that have neither run nor been cancelled. */
public final class CountingTime implements Time {
  private final Time time;
  private final AtomicInteger pending = new AtomicInteger();

  public CountingTime(Time time) {
    this.time = time;
  }

  @Override
  public Instant instant() {
    return time.instant();
  }

  @Override
  public long nanos() {
    return time.nanos();
  }

  @Override
  public Timer after(Duration delay, Runnable task) {
    pending.incrementAndGet();
    var over = new AtomicBoolean();
    Timer timer =
        time.after(
            delay,
            () -> {
              if (over.compareAndSet(false, true)) {
                pending.decrementAndGet();
              }
              task.run();
            });
    return () -> {
      if (over.compareAndSet(false, true)) {
        pending.decrementAndGet();
      }
      timer.cancel();
    };
  }

  /** Timers that have neither run nor been cancelled. */
  public int pendingTimers() {
    return pending.get();
  }
}

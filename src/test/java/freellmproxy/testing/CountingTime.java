package freellmproxy.testing;

import freellmproxy.time.Time;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Another time, with a count of the timers that have neither run nor been cancelled. */
public final class CountingTime extends ForwardingTime {
  private final AtomicInteger pending = new AtomicInteger();

  public CountingTime(Time time) {
    super(time);
  }

  @Override
  public Timer after(Duration delay, Runnable task) {
    pending.incrementAndGet();
    var over = new AtomicBoolean();
    Runnable end =
        () -> {
          if (over.compareAndSet(false, true)) {
            pending.decrementAndGet();
          }
        };
    Timer timer =
        super.after(
            delay,
            () -> {
              end.run();
              task.run();
            });
    return () -> {
      end.run();
      timer.cancel();
    };
  }

  /** Timers that have neither run nor been cancelled. */
  public int pendingTimers() {
    return pending.get();
  }
}

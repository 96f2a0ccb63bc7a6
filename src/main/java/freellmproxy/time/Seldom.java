package freellmproxy.time;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** Says when something that may happen at any rate is to be told of again. Thread-safe. */
public final class Seldom {
  private final Time time;
  private final Duration every;
  private final AtomicLong nextNanos;

  /** Lets the first through, and then one in this long. */
  public Seldom(Time time, Duration every) {
    this.time = time;
    this.every = every;
    this.nextNanos = new AtomicLong(time.nanos());
  }

  /** Whether it is time; for one caller, when several ask at once. */
  public boolean isDue() {
    long now = time.nanos();
    long next = nextNanos.get();
    return now - next >= 0 && nextNanos.compareAndSet(next, now + every.toNanos());
  }
}

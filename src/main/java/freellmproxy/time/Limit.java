package freellmproxy.time;

import freellmproxy.time.Time.Timer;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A moment that must not be reached, and that moves. Moving it later costs no timer: the one that
 * runs looks again when it goes off. For one event loop.
 */
public final class Limit {
  private final Time time;
  private final Runnable onReached;
  private @Nullable Timer timer;
  private long limitNanos;
  private long lookNanos;

  /** A limit that is not set yet. */
  public Limit(Time time, Runnable onReached) {
    this.time = time;
    this.onReached = onReached;
  }

  /** Sets or moves it to {@code delay} from now. */
  public void in(Duration delay) {
    limitNanos = time.nanos() + delay.toNanos();
    if (timer == null) {
      lookIn(delay);
    } else if (limitNanos < lookNanos) {
      timer.cancel();
      lookIn(delay);
    }
  }

  private void lookIn(Duration delay) {
    lookNanos = limitNanos;
    timer = time.after(delay, this::look);
  }

  private void look() {
    timer = null;
    Duration left = Duration.ofNanos(limitNanos - time.nanos());
    if (left.isPositive()) {
      lookIn(left);
    } else {
      onReached.run();
    }
  }

  /** Takes it away; it can be set again. */
  public void cancel() {
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }
}

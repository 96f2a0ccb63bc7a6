package freellmproxy.time;

import java.time.Duration;
import java.time.InstantSource;

/**
 * All the proxy knows about time: {@link #instant()} for stamps and rests, {@link #nanos()} for
 * durations, {@link #after} for limits.
 *
 * <p>Thread-safe. A task runs on the event loop that scheduled it.
 */
public interface Time extends InstantSource {

  /** Monotonic nanoseconds with an arbitrary origin; only differences mean anything. */
  long nanos();

  /** How long ago a moment of {@link #nanos()} was. */
  default Duration since(long moment) {
    return Duration.ofNanos(nanos() - moment);
  }

  /** Runs {@code task} once, {@code delay} from now, on the calling event loop. */
  Timer after(Duration delay, Runnable task);

  /** A task that has been scheduled. */
  interface Timer {
    /** Keeps the task from running. Does nothing when it has run or was cancelled before. */
    void cancel();
  }
}

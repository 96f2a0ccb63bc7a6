package freellmproxy.time;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * All the proxy knows about time: {@link #instant()} for stamps that people read, {@link #nanos()}
 * for durations, {@link #steady()} for moments that must come whatever the wall clock is set to,
 * {@link #after} for limits.
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

  /**
   * Now, on a clock that nobody can set: rests and ages are measured with it (docs/decisions/0028).
   * Only differences mean anything, and it must not meet an {@link #instant()}: it counts {@link
   * #nanos()} from 1970 on.
   */
  default Instant steady() {
    return Instant.EPOCH.plusNanos(nanos());
  }

  /** What the wall clock will show at a moment of {@link #steady()}, if nobody sets it. */
  default Instant onTheWall(Instant steady) {
    return instant().plus(Duration.between(steady(), steady));
  }

  /** Runs {@code task} once, {@code delay} from now, on the calling event loop. */
  Timer after(Duration delay, Runnable task);

  /** A task that has been scheduled. */
  interface Timer {
    /** Keeps the task from running. Does nothing when it has run or was cancelled before. */
    void cancel();
  }
}

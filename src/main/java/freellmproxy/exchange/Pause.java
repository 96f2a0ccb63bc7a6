package freellmproxy.exchange;

import freellmproxy.time.Time;
import java.time.Duration;
import java.util.function.Consumer;

/** A while in which a request asks nobody. For one event loop. */
final class Pause {
  private final Time time;
  private final long beganNanos;
  private final Consumer<Duration> then;
  private final Time.Timer timer;
  private boolean over;

  /**
   * Begins now.
   *
   * @param then told once how long it took, unless it is cancelled before
   */
  Pause(Time time, Duration longest, Consumer<Duration> then) {
    this.time = time;
    this.beganNanos = time.nanos();
    this.then = then;
    this.timer = time.after(longest, this::end);
  }

  /** Nothing is left to wait for. */
  void end() {
    if (!over) {
      Duration took = cancel();
      then.accept(took);
    }
  }

  /** Nobody waits any more; says how long it took. */
  Duration cancel() {
    over = true;
    timer.cancel();
    return time.since(beganNanos);
  }
}

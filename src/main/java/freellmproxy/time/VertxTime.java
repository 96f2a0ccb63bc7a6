package freellmproxy.time;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;

/** The machine's own time, with Vert.x timers. */
public final class VertxTime implements Time {
  private final Vertx vertx;

  public VertxTime(Vertx vertx) {
    this.vertx = vertx;
  }

  @Override
  public Instant instant() {
    return Instant.now();
  }

  @Override
  public long nanos() {
    return System.nanoTime();
  }

  @Override
  public Timer after(Duration delay, Runnable task) {
    // Vert.x refuses a delay below one millisecond.
    long id = vertx.setTimer(Math.max(1, delay.toMillis()), fired -> task.run());
    return () -> vertx.cancelTimer(id);
  }
}

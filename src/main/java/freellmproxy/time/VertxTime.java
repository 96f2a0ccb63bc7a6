package freellmproxy.time;

import io.netty.util.concurrent.ScheduledFuture;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;

/**
 * The machine's own time. Its timers are those of the event loop itself: Vert.x's are also kept in
 * two maps, to be found by number and to end with a deployment, and a request sets and cancels some
 * without needing either.
 */
public final class VertxTime implements Time {
  private final VertxInternal vertx;

  public VertxTime(Vertx vertx) {
    this.vertx = (VertxInternal) vertx;
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
    ContextInternal context = vertx.getOrCreateContext();
    ScheduledFuture<?> scheduled =
        context
            .nettyEventLoop()
            .schedule(() -> context.dispatch(task), delay.toNanos(), TimeUnit.NANOSECONDS);
    return () -> scheduled.cancel(false);
  }
}

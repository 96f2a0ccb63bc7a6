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
  private static final Duration LOOK = Duration.ofMinutes(1);

  private final VertxInternal vertx;
  private final Sleeps sleeps = new Sleeps(Sleeps.UPTIME, System::nanoTime);

  /** Looks once a minute whether the machine has slept, as long as this Vert.x is open. */
  public VertxTime(Vertx vertx) {
    this.vertx = (VertxInternal) vertx;
    ScheduledFuture<?> _ =
        this.vertx
            .getOrCreateContext()
            .nettyEventLoop()
            .scheduleWithFixedDelay(
                sleeps::look, LOOK.toNanos(), LOOK.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public Instant instant() {
    return Instant.now();
  }

  @Override
  public long nanos() {
    return System.nanoTime() + sleeps.nanos();
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

package freellmproxy.testing;

import freellmproxy.time.Time;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Time that stands still until a test moves it. A timer runs on the event loop that set it, before
 * {@link #advance} returns.
 */
public final class FakeTime implements Time {
  private static final long PATIENCE_SECONDS = 30;

  private final List<Pending> timers = new ArrayList<>();
  private Instant now = Instant.parse("2026-11-24T00:00:00Z");
  private long nanos;
  private long looks;

  /** No record: two timers with the same task at the same moment are two timers. */
  private static final class Pending {
    private final long dueNanos;
    private final Runnable task;
    private final @Nullable Context context;

    Pending(long dueNanos, Runnable task, @Nullable Context context) {
      this.dueNanos = dueNanos;
      this.task = task;
      this.context = context;
    }
  }

  @Override
  public synchronized Instant instant() {
    return now;
  }

  /** A look of another kind. */
  @Override
  public synchronized Instant steady() {
    return Instant.EPOCH.plusNanos(nanos);
  }

  /** Somebody sets the wall clock; nothing falls due by that. */
  public synchronized void setWallClockBy(Duration step) {
    now = now.plus(step);
  }

  @Override
  public synchronized long nanos() {
    looks++;
    notifyAll();
    return nanos;
  }

  /** How often somebody has looked at the clock. */
  public synchronized long looks() {
    return looks;
  }

  /** Waits until somebody has looked at the clock more often than this. */
  public synchronized void awaitLookAfter(long earlier) {
    awaitUntil(() -> looks > earlier, "nobody looked at the clock");
  }

  @Override
  public synchronized Timer after(Duration delay, Runnable task) {
    var timer = new Pending(nanos + Math.max(0, delay.toNanos()), task, Vertx.currentContext());
    timers.add(timer);
    notifyAll();
    return () -> cancel(timer);
  }

  private synchronized void cancel(Pending timer) {
    timers.remove(timer);
    notifyAll();
  }

  /** Moves time on and runs all that falls due, in order, each at its own moment. */
  public void advance(Duration by) {
    long end = nanos() + by.toNanos();
    for (Optional<Pending> due = takeDue(end); due.isPresent(); due = takeDue(end)) {
      run(due.get());
    }
    moveTo(end);
  }

  private synchronized Optional<Pending> takeDue(long end) {
    Optional<Pending> due =
        timers.stream()
            .filter(timer -> timer.dueNanos <= end)
            .min(Comparator.comparingLong(timer -> timer.dueNanos));
    due.ifPresent(timer -> {
      timers.remove(timer);
      moveTo(Math.max(nanos, timer.dueNanos));
    });
    return due;
  }

  private synchronized void moveTo(long to) {
    now = now.plusNanos(to - nanos);
    nanos = to;
  }

  private static void run(Pending timer) {
    if (timer.context == null) {
      timer.task.run();
      return;
    }
    var done = new CompletableFuture<Void>();
    timer.context.runOnContext(go -> {
      try {
        timer.task.run();
        done.complete(null);
      } catch (RuntimeException | Error e) {
        done.completeExceptionally(e);
      }
    });
    done.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
  }

  /** Waits until a timer is set that falls due within {@code delay}. */
  public void awaitTimerWithin(Duration delay) {
    awaitTimerBetween(Duration.ZERO, delay);
  }

  /** Waits until a timer is set that falls due from {@code shortest} to {@code longest} on. */
  public synchronized void awaitTimerBetween(Duration shortest, Duration longest) {
    long earliest = nanos + shortest.toNanos();
    long latest = nanos + longest.toNanos();
    awaitUntil(
        () ->
            timers.stream()
                .anyMatch(timer -> timer.dueNanos >= earliest && timer.dueNanos <= latest),
        "no timer within " + longest + " was set");
  }

  private synchronized void awaitUntil(BooleanSupplier condition, String otherwise) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (left <= 0) {
        throw new AssertionError(otherwise);
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted", e);
      }
    }
  }

  /** Waits until more timers are pending than this. */
  public synchronized void awaitMoreTimersThan(int earlier) {
    awaitUntil(() -> timers.size() > earlier, "no timer was set");
  }

  /** Timers that fall due in exactly so long. */
  public synchronized long timersIn(Duration delay) {
    long due = nanos + delay.toNanos();
    return timers.stream().filter(timer -> timer.dueNanos == due).count();
  }

  /** Waits until more timers than this fall due in exactly so long. */
  public synchronized void awaitMoreTimersIn(Duration delay, long earlier) {
    awaitUntil(() -> timersIn(delay) > earlier, "no timer of " + delay + " was set");
  }

  /** Waits until fewer timers are pending than this. */
  public synchronized void awaitFewerTimersThan(int earlier) {
    awaitUntil(() -> timers.size() < earlier, "no timer was cancelled");
  }

  /** Timers that have neither run nor been cancelled. */
  public synchronized int pendingTimers() {
    return timers.size();
  }
}

package freellmproxy.http;

import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;

/**
 * Holds requests while the list is read for the first time, so that a start costs them a moment and
 * no {@code not_ready}. Thread-safe.
 */
public final class FirstList {
  /** Enough for a slow network; a client that waits longer had better be told why. */
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private final Vertx vertx;
  private final Promise<Void> over = Promise.promise();

  /**
   * Begins to hold.
   *
   * @param reading until this ends, well or not
   */
  public FirstList(Vertx vertx, Future<?> reading, Time time) {
    this.vertx = vertx;
    Timer patience = time.after(PATIENCE, over::tryComplete);
    reading.onComplete(read -> {
      patience.cancel();
      over.tryComplete();
    });
  }

  /** Runs a task on this event loop when nothing is to be waited for, perhaps at once. */
  void then(Runnable task) {
    if (over.future().isComplete()) {
      task.run();
    } else {
      Context loop = vertx.getOrCreateContext();
      over.future().onComplete(done -> loop.runOnContext(now -> task.run()));
    }
  }

  /** The endpoint that handles a call when there is something to read the list from. */
  Endpoint awaitedBy(Endpoint endpoint) {
    return call -> then(() -> call.guard(() -> endpoint.handle(call)));
  }
}

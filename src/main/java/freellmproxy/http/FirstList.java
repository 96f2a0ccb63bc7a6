package freellmproxy.http;

import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
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

  /** The endpoint that handles a call when there is something to read the list from. */
  Endpoint awaitedBy(Endpoint endpoint) {
    return call -> {
      if (over.future().isComplete()) {
        endpoint.handle(call);
      } else {
        hold(vertx.getOrCreateContext(), call, endpoint);
      }
    };
  }

  private void hold(Context loop, HttpCall call, Endpoint endpoint) {
    HttpServerRequest request = call.request().pause();
    over.future()
        .onComplete(done ->
            loop.runOnContext(now -> {
              if (call.isOpen()) {
                call.guard(() -> endpoint.handle(call));
                request.resume();
              }
            }));
  }
}

package freellmproxy.http;

import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;

/**
 * Closes the connection of a request that was answered before it was read whole. Closing at once
 * would make the kernel reset the connection and could take the answer from the client before it
 * has read it, so what still comes is thrown away for a moment (RFC 9112 section 9.6).
 */
final class LingeringClose {
  private static final Duration MOMENT = Duration.ofSeconds(2);

  private LingeringClose() {}

  static void of(HttpServerRequest request, Time time) {
    Timer moment = time.after(MOMENT, () -> request.connection().close());
    request.handler(ignored -> {});
    request.endHandler(end -> {
      moment.cancel();
      request.connection().close();
    });
    request.exceptionHandler(gone -> moment.cancel());
  }
}

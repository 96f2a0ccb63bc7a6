package freellmproxy.http;

import freellmproxy.api.ApiError;
import freellmproxy.exchange.ClientReply;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import org.jspecify.annotations.Nullable;

/** The client's side of an exchange as an HTTP response. */
final class HttpReply implements ClientReply {
  private static final CharSequence MODEL = HttpHeaders.createOptimized("x-free-llm-proxy-model");
  private static final CharSequence ATTEMPTS =
      HttpHeaders.createOptimized("x-free-llm-proxy-attempts");
  private static final CharSequence TRAIL = HttpHeaders.createOptimized("x-free-llm-proxy-trail");
  private static final CharSequence EVENT_STREAM = HttpHeaders.createOptimized("text/event-stream");
  private static final CharSequence NO_STORE = HttpHeaders.createOptimized("no-cache, no-store");
  private static final CharSequence ACCEL = HttpHeaders.createOptimized("X-Accel-Buffering");

  private final HttpCall call;

  HttpReply(HttpCall call) {
    this.call = call;
  }

  @Override
  public void answer(
      int status,
      @Nullable String contentType,
      @Nullable String retryAfter,
      Buffer body,
      Tags tags) {
    if (!call.isOpen()) {
      return;
    }
    tag(tags);
    if (contentType != null) {
      call.header(HttpHeaders.CONTENT_TYPE, contentType);
    }
    if (retryAfter != null) {
      call.header(HttpHeaders.RETRY_AFTER, retryAfter);
    }
    call.response().setStatusCode(status);
    call.end(body);
  }

  @Override
  public void error(ApiError error, Tags tags) {
    if (call.isOpen()) {
      tag(tags);
      call.error(error);
    }
  }

  @Override
  public EventSink stream(Tags tags) {
    HttpServerResponse response = call.response();
    // HTTP/1.0 knows no chunks.
    boolean endsWithConnection = call.request().version() == HttpVersion.HTTP_1_0;
    if (call.isOpen()) {
      tag(tags);
      response
          .setChunked(true)
          .putHeader(HttpHeaders.CONTENT_TYPE, EVENT_STREAM)
          .putHeader(HttpHeaders.CACHE_CONTROL, NO_STORE)
          .putHeader(ACCEL, "no");
      if (endsWithConnection) {
        response.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
      }
    }
    return new ResponseSink(
        call, response, endsWithConnection ? () -> call.request().connection().close() : () -> {});
  }

  private void tag(Tags tags) {
    if (tags.model() != null) {
      call.header(MODEL, tags.model());
    }
    call.header(ATTEMPTS, Integer.toString(tags.attempts()));
    if (!tags.trail().isEmpty()) {
      call.header(TRAIL, tags.trail());
    }
  }

  @Override
  public void onGone(Runnable task) {
    call.response().closeHandler(closed -> task.run());
    call.response().exceptionHandler(failure -> task.run());
  }

  /** Every method first looks whether the connection still stands: Vert.x throws otherwise. */
  private record ResponseSink(HttpCall call, HttpServerResponse response, Runnable onEnded)
      implements EventSink {
    @Override
    public void write(Buffer bytes) {
      if (isOpen()) {
        call.sent(bytes.length(), response.write(bytes));
      }
    }

    @Override
    public boolean isFull() {
      return isOpen() && response.writeQueueFull();
    }

    @Override
    public void onDrain(Runnable task) {
      if (isOpen()) {
        response.drainHandler(drained -> task.run());
      }
    }

    @Override
    public void end(Buffer last) {
      if (isOpen()) {
        Future<Void> written = response.end(last);
        call.sent(last.length(), written);
        written.onComplete(done -> onEnded.run());
      }
    }

    private boolean isOpen() {
      return !response.closed() && !response.ended();
    }
  }
}

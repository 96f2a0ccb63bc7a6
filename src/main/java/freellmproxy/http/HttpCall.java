package freellmproxy.http;

import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import freellmproxy.api.OwnFault;
import freellmproxy.time.Time;
import freellmproxy.upstream.AnswerMemory;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One request and the answer to it, with what every answer has in common. */
final class HttpCall {
  private static final Logger LOG = LoggerFactory.getLogger(HttpCall.class);
  private static final CharSequence REQUEST_ID = HttpHeaders.createOptimized("x-request-id");
  private static final CharSequence SHOULD_RETRY = HttpHeaders.createOptimized("x-should-retry");
  private static final CharSequence RETRY_AFTER_MS = HttpHeaders.createOptimized("retry-after-ms");
  private static final CharSequence JSON = HttpHeaders.createOptimized("application/json");
  private static final int LONGEST_REQUEST_ID = 128;

  private final HttpServerRequest request;
  private final Time time;
  private final AnswerMemory memory;
  private final long beganNanos;
  private final String requestId;
  private @Nullable Backlog backlog;

  /** To be made when the head of the request has come. */
  HttpCall(HttpServerRequest request, Time time, ResponseDate date, AnswerMemory memory) {
    this.request = request;
    this.time = time;
    this.memory = memory;
    this.beganNanos = time.nanos();
    this.requestId = requestId(request);
    header(REQUEST_ID, requestId).header(HttpHeaders.DATE, date.at(beganNanos));
  }

  /** The client's own id where it is harmless, so that both sides' logs can be joined. */
  private static String requestId(HttpServerRequest request) {
    String given = request.getHeader(REQUEST_ID);
    boolean usable =
        given != null
            && !given.isEmpty()
            && given.length() <= LONGEST_REQUEST_ID
            && given.chars().allMatch(c -> c > ' ' && c < 0x7f);
    return usable
        ? given
        : "req-" + Long.toHexString(ThreadLocalRandom.current().nextLong() | Long.MIN_VALUE);
  }

  HttpServerRequest request() {
    return request;
  }

  HttpServerResponse response() {
    return request.response();
  }

  /** Normalised, see {@link RequestPath}. */
  String path() {
    return RequestPath.normalize(request.path());
  }

  String requestId() {
    return requestId;
  }

  /** {@link Time#nanos()} when its head had come. */
  long beganNanos() {
    return beganNanos;
  }

  /** Does some work for it. A bug there must reach no other request, and must be answered. */
  void guard(Runnable work) {
    guard(work, () -> {});
  }

  /** The same; {@code onBug} is told before the answer. */
  void guard(Runnable work, Runnable onBug) {
    try {
      work.run();
    } catch (Throwable thrown) {
      LOG.atError()
          .setCause(OwnFault.of(thrown))
          .addKeyValue("request_id", requestId)
          .log("request_failed");
      onBug.run();
      error(ApiError.internal());
    }
  }

  /** Sets a header of the answer; does nothing when its head is written. */
  HttpCall header(CharSequence name, CharSequence value) {
    // The response's own method takes a lock each time, and an event loop is alone.
    response().headers().set(name, value);
    return this;
  }

  void json(int status, byte[] body) {
    send(status, JSON, Buffer.buffer(body));
  }

  void text(int status, String contentType, String body) {
    send(status, contentType, Buffer.buffer(body));
  }

  void noContent() {
    if (isOpen()) {
      response().setStatusCode(204).end();
    }
  }

  void error(ApiError error) {
    if (isUnread() && isLast()) {
      errorAndClose(error);
    } else {
      write(error);
    }
  }

  /** Whether some of its body is still to come. */
  private boolean isUnread() {
    return !request.isEnded()
        && (request.headers().contains(HttpHeaders.TRANSFER_ENCODING)
            || request.headers().contains(HttpHeaders.CONTENT_LENGTH));
  }

  /** Whether Vert.x closes the connection behind the answer. */
  private boolean isLast() {
    String connection = request.getHeader(HttpHeaders.CONNECTION);
    return request.version() == HttpVersion.HTTP_1_0
        ? !"keep-alive".equalsIgnoreCase(connection)
        : "close".equalsIgnoreCase(connection);
  }

  private void write(ApiError error) {
    switch (error.retry()) {
      case Retry.After after -> {
        header(HttpHeaders.RETRY_AFTER, Long.toString(after.seconds()));
        if (after.isTooLong()) {
          header(SHOULD_RETRY, "false");
        } else {
          header(RETRY_AFTER_MS, Long.toString(after.millis()));
        }
      }
      case Retry.Pointless pointless -> header(SHOULD_RETRY, "false");
      case Retry.Unsaid unsaid -> {}
    }
    json(error.status(), error.json());
  }

  /** Answers a request that will not be read to its end. Nothing behind it is served. */
  void errorAndClose(ApiError error) {
    HttpConnection connection = request.connection();
    LingeringClose.prepare(connection, time);
    header(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
    write(error);
    connection.close();
  }

  private void send(int status, CharSequence contentType, Buffer body) {
    if (!isOpen()) {
      return;
    }
    HttpServerResponse response =
        response().setStatusCode(status).putHeader(HttpHeaders.CONTENT_TYPE, contentType);
    if (request.method().equals(HttpMethod.HEAD)) {
      response.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(body.length())).end();
    } else {
      end(body);
    }
  }

  /** Sends the body of an answer whose head says it all. */
  void end(Buffer body) {
    sent(body.length(), response().end(body));
  }

  /** So many bytes of its answer have been sent; mostly the kernel has taken them at once. */
  void sent(int length, Future<Void> taken) {
    if (!taken.isComplete()) {
      if (backlog == null) {
        backlog = new Backlog(memory, request.connection());
      }
      backlog.add(length, taken);
    }
  }

  /** Whether an answer can still be begun. */
  boolean isOpen() {
    return !response().closed() && !response().headWritten();
  }
}

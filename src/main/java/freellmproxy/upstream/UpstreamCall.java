package freellmproxy.upstream;

import freellmproxy.config.Secret;
import freellmproxy.sse.SseParser;
import freellmproxy.time.Time.Timer;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.netty.buffer.ByteBuf;
import io.netty.handler.proxy.ProxyConnectException;
import io.vertx.core.Future;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.StreamResetException;
import io.vertx.core.internal.buffer.BufferInternal;
import java.io.IOException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** One request upstream and its answer. Lives on one event loop. */
public final class UpstreamCall {
  /** Contract section 6. */
  private static final int MAX_EVENT_BYTES = 16 << 20;

  /** HTTP/2 error code for "not needed any more" (RFC 9113 section 7). */
  private static final long H2_CANCEL = 0x8;

  /** HTTP/2 error code for "not processed at all" (RFC 9113 section 8.7). */
  private static final long H2_REFUSED_STREAM = 0x7;

  /**
   * An idle connection that the upstream has closed says so within one round trip. Whoever hangs up
   * later has worked on the request.
   */
  private static final Duration STALE_KNOWN_BY = Duration.ofSeconds(1);

  /** An upstream that means to end has done so by then. */
  private static final Duration RUN_OUT = Duration.ofSeconds(2);

  /** EMFILE in the words of the C library; no exception has a type for it. */
  private static final String NO_FILE_DESCRIPTOR = "Too many open files";

  private final UpstreamClient client;
  private final Supplier<ByteBuf> body;
  private final AnswerForm form;
  private final Consumer<UpstreamReply> listener;

  private boolean over;

  /** Whether the whole answer has come, so that its connection is another's already. */
  private boolean complete;

  private Pooling pooling;

  /** Whether the upstream's side of the connection has taken the whole request. */
  private boolean taken;

  /** Which call of its connection this is, counted from 1. */
  private int place;

  private boolean paused;
  private boolean lost;
  private int chunks;
  private @Nullable Secret key;
  private @Nullable HttpClientRequest request;
  private @Nullable HttpClientResponse response;
  private @Nullable AnswerBody whole;

  UpstreamCall(
      UpstreamClient client,
      Supplier<ByteBuf> body,
      AnswerForm form,
      Pooling pooling,
      Consumer<UpstreamReply> listener) {
    this.client = client;
    this.body = body;
    this.form = form;
    this.pooling = pooling;
    this.listener = listener;
  }

  /**
   * Not before the event loop has worked through all it has been told at once: of a connection that
   * it closed on the way there may be more, and Netty would take that for news of the new
   * connection that got the same file descriptor.
   */
  void connect(HttpClient http) {
    client.soon(() -> {
      if (!over) {
        connectNow(http);
      }
    });
  }

  private void connectNow(HttpClient http) {
    Future<HttpClientRequest> connecting = http.request(client.template());
    key = client.key();
    if (!connecting.isComplete()) {
      // Vert.x limits TCP and TLS one by one, the contract limits their sum.
      Timer limit = client.time().after(client.connectLimit(), () -> fail(Fault.CONNECT_TIMEOUT));
      connecting.onComplete(done -> limit.cancel());
    }
    connecting.onComplete(this::send, failure -> fail(connectFault(failure)));
  }

  private void send(HttpClientRequest connected) {
    // The answer fails too, and says so; without this Vert.x logs an error as well.
    connected.exceptionHandler(failure -> {});
    if (over) {
      giveBack(connected);
      return;
    }
    place = client.count(connected.connection());
    boolean mayBeStale = pooling == Pooling.REUSE && place > 1;
    long sentNanos = client.time().nanos();
    listener.accept(new UpstreamReply.Sent());
    if (over) {
      giveBack(connected);
      return;
    }
    request = connected;
    taken = false;
    ByteBuf sent = body.get();
    connected
        .end(BufferInternal.buffer(sent))
        .onComplete(written -> {
          taken = true;
          // Vert.x leaves buffers that it did not make to those who did.
          sent.release();
        });
    connected
        .response()
        .onComplete(
            this::read,
            failure -> {
              if (!over && mayBeStale && isUnprocessed(failure, sentNanos)) {
                // Says nothing about the model: the upstream had closed an idle connection.
                pooling = Pooling.FRESH;
                connect(client.fresh());
              } else {
                fail(Fault.CONNECTION_LOST);
              }
            });
  }

  /**
   * Vert.x counts a stream of HTTP/2 that nothing was sent on as used for ever. What is sent asks
   * for nothing (RFC 9110 section 9.3.7).
   */
  private static void giveBack(HttpClientRequest unused) {
    if (unused.version() == HttpVersion.HTTP_2) {
      unused.headers().clear();
      unused.setMethod(HttpMethod.OPTIONS).setURI("*").writeHead();
    }
    unused.reset(H2_CANCEL);
  }

  /** Whether the upstream cannot have begun to work on the request. */
  private boolean isUnprocessed(Throwable failure, long sentNanos) {
    if (failure instanceof StreamResetException reset) {
      return reset.getCode() == H2_REFUSED_STREAM;
    }
    boolean isClosed = failure instanceof HttpClosedException || failure instanceof IOException;
    Duration taken = client.time().since(sentNanos);
    return isClosed && taken.compareTo(STALE_KNOWN_BY) < 0;
  }

  private void read(HttpClientResponse answer) {
    if (over) {
      return;
    }
    response = answer;
    answer.exceptionHandler(failure -> connectionLost());
    if (answer.statusCode() < 200) {
      // Vert.x takes an interim answer it does not know for the answer. The one that follows must
      // not reach the next request on this connection.
      fail(Fault.UNEXPECTED_INTERIM);
      return;
    }
    if (form == AnswerForm.STREAM && isSuccess(answer) && isEventStream(answer)) {
      readEvents(answer);
    } else {
      readWhole(answer);
    }
    listener.accept(new UpstreamReply.Head(answer.statusCode(), answer::getHeader));
  }

  private static boolean isSuccess(HttpClientResponse answer) {
    return answer.statusCode() / 100 == 2;
  }

  private static boolean isEventStream(HttpClientResponse answer) {
    String type = answer.getHeader(HttpHeaders.CONTENT_TYPE);
    return type != null && type.regionMatches(true, 0, "text/event-stream", 0, 17);
  }

  private void readEvents(HttpClientResponse answer) {
    var parser = new SseParser(MAX_EVENT_BYTES);
    answer.handler(chunk -> {
      chunks++;
      if (!parser.feed(chunk, event -> tell(new UpstreamReply.Event(event)))) {
        fail(Fault.TOO_LARGE);
      }
    });
    answer.endHandler(end -> {
      complete = true;
      parser.finish(event -> tell(new UpstreamReply.Event(event)));
      finish(new UpstreamReply.StreamEnd());
      cutUnlessTaken();
    });
  }

  private void readWhole(HttpClientResponse answer) {
    var collected = new AnswerBody(client.answerMemory());
    whole = collected;
    answer.handler(piece -> {
      if (!over && !collected.append(piece)) {
        fail(Fault.TOO_LARGE);
      }
    });
    answer.endHandler(end -> {
      finish(new UpstreamReply.Answer(answer.statusCode(), answer::getHeader, collected.copy()));
      cutUnlessTaken();
    });
  }

  private static Fault connectFault(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnknownHostException) {
        return Fault.UNKNOWN_HOST;
      }
      if (cause instanceof SSLException) {
        return Fault.TLS_FAILED;
      }
      if (cause instanceof ProxyConnectException) {
        return Fault.FORWARD_PROXY_FAILED;
      }
      if (String.valueOf(cause.getMessage()).endsWith(NO_FILE_DESCRIPTOR)) {
        return Fault.NO_FILE_DESCRIPTOR;
      }
    }
    return Fault.CONNECT_FAILED;
  }

  private void fail(Fault fault) {
    if (!over) {
      abort();
      listener.accept(new UpstreamReply.Failure(fault));
    }
  }

  private void finish(UpstreamReply last) {
    if (!over) {
      end();
      listener.accept(last);
    }
  }

  /** What came before waits while we pause, perhaps to the last byte, and is read first. */
  private void connectionLost() {
    lost = true;
    if (!paused) {
      fail(Fault.CONNECTION_LOST);
    }
  }

  /** Vert.x hands over what waits in tasks of its own, and does not say when that was all. */
  private void failAfterWhatWaits() {
    int before = chunks;
    client.soon(() -> {
      if (paused) {
        return;
      }
      if (chunks == before) {
        fail(Fault.CONNECTION_LOST);
      } else {
        failAfterWhatWaits();
      }
    });
  }

  private void end() {
    over = true;
    if (whole != null) {
      whole.drop();
    }
    client.ended();
  }

  private void tell(UpstreamReply step) {
    if (!over) {
      listener.accept(step);
    }
  }

  /** Ends the call at once, upstream too; nothing more is told. Does nothing when it is over. */
  public void abort() {
    if (over) {
      return;
    }
    end();
    if (request != null && !complete) {
      cut(request);
      if (response == null && request.version() == HttpVersion.HTTP_2) {
        client.closeUnlessAlive(request.connection());
      }
    }
  }

  /**
   * An upstream that has answered before it read the whole request may never read the rest, and so
   * not what is sent behind it either.
   */
  private void cutUnlessTaken() {
    if (request != null && !taken) {
      cut(request);
    }
  }

  private void cut(HttpClientRequest sent) {
    if (sent.version() == HttpVersion.HTTP_2) {
      sent.reset(H2_CANCEL);
    } else if (!taken || client.wasLast(sent.connection(), place)) {
      sent.reset(H2_CANCEL);
      UpstreamClient.close(sent.connection());
    } else if (response != null) {
      // Vert.x had the whole answer while we paused, and its connection carries another call. As
      // long as something of it is left, that one may have to wait.
      response.handler(ignored -> {}).endHandler(end -> {}).resume();
    }
  }

  /**
   * Lets the answer run out unheard, so that its connection can carry the next request; one that
   * goes on for too long is cut. Nothing more is told.
   */
  public void release() {
    HttpClientRequest sent = request;
    HttpClientResponse rest = response;
    if (over || sent == null || rest == null) {
      return;
    }
    end();
    if (lost || complete) {
      // Nothing is left to run out, and Vert.x would throw.
      return;
    }
    Timer limit = client.time().after(RUN_OUT, () -> cut(sent));
    rest.handler(ignored -> {});
    rest.endHandler(end -> {
      limit.cancel();
      cutUnlessTaken();
    });
    rest.exceptionHandler(failure -> limit.cancel());
    rest.resume();
  }

  /** The upstream key it is sent with. */
  public Secret key() {
    return Objects.requireNonNull(key, "not connected");
  }

  /** Stops reading, so that the upstream has to wait. */
  public void pause() {
    paused = true;
    if (response != null) {
      response.pause();
    }
  }

  /** Goes on reading. */
  public void resume() {
    paused = false;
    if (response != null) {
      response.resume();
    }
    if (lost) {
      failAfterWhatWaits();
    }
  }
}

package freellmproxy.upstream;

import freellmproxy.sse.SseParser;
import freellmproxy.time.Time.Timer;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.netty.buffer.ByteBuf;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.internal.buffer.BufferInternal;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** One request upstream and its answer. Lives on one event loop. */
public final class UpstreamCall {
  /** Larger than any real answer; keeps a runaway upstream from filling memory. */
  private static final int MAX_ANSWER_BYTES = 64 << 20;

  /** Contract section 6. */
  private static final int MAX_EVENT_BYTES = 16 << 20;

  /** HTTP/2 error code for "not needed any more" (RFC 9113 section 7). */
  private static final long H2_CANCEL = 0x8;

  /** An upstream that means to end has done so by then. */
  private static final Duration RUN_OUT = Duration.ofSeconds(2);

  private final UpstreamClient client;
  private final Supplier<ByteBuf> body;
  private final AnswerForm form;
  private final Consumer<UpstreamReply> listener;

  private boolean over;
  private boolean retried;
  private @Nullable HttpClientRequest request;
  private @Nullable HttpClientResponse response;

  UpstreamCall(
      UpstreamClient client,
      Supplier<ByteBuf> body,
      AnswerForm form,
      Consumer<UpstreamReply> listener) {
    this.client = client;
    this.body = body;
    this.form = form;
    this.listener = listener;
  }

  void connect(HttpClient http) {
    Future<HttpClientRequest> connecting = http.request(client.template());
    if (!connecting.isComplete()) {
      // Vert.x limits TCP and TLS one by one, the contract limits their sum.
      Timer limit = client.time().after(client.connectLimit(), () -> fail(Fault.CONNECT_TIMEOUT));
      connecting.onComplete(done -> limit.cancel());
    }
    connecting.onComplete(this::send, failure -> fail(connectFault(failure)));
  }

  private void send(HttpClientRequest connected) {
    if (over) {
      connected.reset(H2_CANCEL);
      return;
    }
    request = connected;
    boolean mayBeStale = !client.isFirstRequestOf(connected.connection()) && !retried;
    if (!retried) {
      listener.accept(new UpstreamReply.Sent());
    }
    if (over) {
      return;
    }
    ByteBuf sent = body.get();
    // Vert.x leaves buffers that it did not make to those who did.
    connected.end(BufferInternal.buffer(sent)).onComplete(written -> sent.release());
    connected
        .response()
        .onComplete(
            this::read,
            failure -> {
              if (mayBeStale && !over) {
                // Says nothing about the model: the upstream had closed an idle connection.
                retried = true;
                connect(client.unpooled());
              } else {
                fail(Fault.CONNECTION_LOST);
              }
            });
  }

  private void read(HttpClientResponse answer) {
    if (over) {
      return;
    }
    response = answer;
    answer.exceptionHandler(failure -> fail(Fault.CONNECTION_LOST));
    if (form == AnswerForm.STREAM && isSuccess(answer) && isEventStream(answer)) {
      readEvents(answer);
    } else {
      readWhole(answer);
    }
    listener.accept(new UpstreamReply.Head(answer.statusCode()));
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
      if (!parser.feed(chunk, event -> tell(new UpstreamReply.Event(event)))) {
        fail(Fault.TOO_LARGE);
      }
    });
    answer.endHandler(end -> {
      parser.finish(event -> tell(new UpstreamReply.Event(event)));
      finish(new UpstreamReply.StreamEnd());
    });
  }

  private void readWhole(HttpClientResponse answer) {
    Buffer whole = Buffer.buffer();
    answer.handler(chunk -> {
      if (whole.length() + chunk.length() > MAX_ANSWER_BYTES) {
        fail(Fault.TOO_LARGE);
      } else {
        whole.appendBuffer(chunk);
      }
    });
    answer.endHandler(end ->
        finish(new UpstreamReply.Answer(answer.statusCode(), answer::getHeader, whole.getBytes())));
  }

  private static Fault connectFault(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnknownHostException) {
        return Fault.UNKNOWN_HOST;
      }
      if (cause instanceof SSLException) {
        return Fault.TLS_FAILED;
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
      over = true;
      listener.accept(last);
    }
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
    over = true;
    if (request != null) {
      request.reset(H2_CANCEL);
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
    over = true;
    Timer limit = client.time().after(RUN_OUT, () -> sent.reset(H2_CANCEL));
    rest.handler(ignored -> {});
    rest.endHandler(end -> limit.cancel());
    rest.exceptionHandler(failure -> limit.cancel());
    rest.resume();
  }

  /** Stops reading, so that the upstream has to wait. */
  public void pause() {
    if (response != null) {
      response.pause();
    }
  }

  /** Goes on reading. */
  public void resume() {
    if (response != null) {
      response.resume();
    }
  }
}

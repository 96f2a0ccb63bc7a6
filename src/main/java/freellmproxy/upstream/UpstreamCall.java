package freellmproxy.upstream;

import freellmproxy.config.Secret;
import freellmproxy.sse.SseParser;
import freellmproxy.time.Time.Timer;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.netty.buffer.ByteBuf;
import io.vertx.core.Future;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.http.StreamResetException;
import io.vertx.core.internal.buffer.BufferInternal;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One request upstream and its answer. Lives on one event loop. */
public final class UpstreamCall {
  /** Contract section 6. */
  private static final int MAX_EVENT_BYTES = 16 << 20;

  /** HTTP/2 error code for "not processed at all" (RFC 9113 section 8.7). */
  private static final long H2_REFUSED_STREAM = 0x7;

  /**
   * An idle connection that the upstream has closed says so within one round trip. Whoever hangs up
   * later has worked on the request.
   */
  private static final Duration STALE_KNOWN_BY = Duration.ofSeconds(1);

  /** An upstream that means to end has done so by then. */
  private static final Duration RUN_OUT = Duration.ofSeconds(2);

  private final UpstreamClient client;
  private final Supplier<ByteBuf> body;
  private final AnswerForm form;
  private final Consumer<UpstreamReply> listener;
  private final AnswerShare share;

  private boolean over;
  private boolean paused;
  private boolean lost;
  private int chunks;
  private ConnectionPool.@Nullable Waiting waiting;

  /** Where it has a place. */
  private @Nullable UpstreamConnection connection;

  private @Nullable Secret key;
  private @Nullable HttpClientRequest request;

  /** Done when the upstream's side of the connection has taken the whole request. */
  private @Nullable Future<Void> written;

  private @Nullable HttpClientResponse response;
  private @Nullable AnswerBody whole;

  UpstreamCall(
      UpstreamClient client,
      Supplier<ByteBuf> body,
      AnswerForm form,
      Consumer<UpstreamReply> listener) {
    this.client = client;
    this.body = body;
    this.form = form;
    this.listener = listener;
    this.share = new AnswerShare(client.answerMemory());
  }

  /**
   * Not before the event loop has worked through all it has been told at once: of a connection that
   * it closed on the way there may be more, and Netty would take that for news of the new
   * connection that got the same file descriptor.
   */
  void connect(Pooling pooling) {
    client.soon(() -> {
      if (!over) {
        waiting = client.pool().acquire(pooling, place -> send(place, pooling), this::fail);
      }
    });
  }

  private void send(UpstreamConnection place, Pooling pooling) {
    connection = place;
    long sentNanos = client.time().nanos();
    listener.accept(new UpstreamReply.Sent());
    if (over) {
      return;
    }
    Consumer<Throwable> failed =
        failure -> {
          boolean mayBeRepeated = !over && pooling == Pooling.REUSE;
          if (mayBeRepeated && isUnprocessed(failure, place, sentNanos)) {
            // Says nothing about the model.
            cut();
            connect(Pooling.FRESH);
          } else {
            fail(Fault.CONNECTION_LOST);
          }
        };
    RequestOptions template = client.template();
    key = client.key();
    place.request(template).onComplete(sent -> write(sent, failed), failed::accept);
  }

  private void write(HttpClientRequest sent, Consumer<Throwable> failed) {
    request = sent;
    // The answer fails too, and says so; without this Vert.x logs an error as well.
    sent.exceptionHandler(failure -> {});
    ByteBuf bytes = body.get();
    written = sent.end(BufferInternal.buffer(bytes));
    // Vert.x leaves buffers that it did not make to those who did.
    written.onComplete(done -> bytes.release());
    sent.response().onComplete(this::read, failed::accept);
  }

  /** Whether the upstream cannot have begun to work on the request. */
  private boolean isUnprocessed(Throwable failure, UpstreamConnection place, long sentNanos) {
    if (failure instanceof StreamResetException reset) {
      return reset.getCode() == H2_REFUSED_STREAM;
    }
    if (failure instanceof HttpClosedException && place.leavesCallsOut()) {
      return true;
    }
    boolean isClosed = failure instanceof HttpClosedException || failure instanceof IOException;
    Duration taken = client.time().since(sentNanos);
    return place.isShared() && isClosed && taken.compareTo(STALE_KNOWN_BY) < 0;
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
      boolean fits = parser.feed(chunk, event -> tell(new UpstreamReply.Event(event)));
      if (!over && !(fits && share.covers(parser.buffered()))) {
        fail(Fault.TOO_LARGE);
      }
    });
    answer.endHandler(end -> {
      leave();
      parser.finish(event -> tell(new UpstreamReply.Event(event)));
      finish(new UpstreamReply.StreamEnd());
    });
  }

  private void readWhole(HttpClientResponse answer) {
    var collected = new AnswerBody(share);
    whole = collected;
    answer.handler(piece -> {
      if (!over && !collected.append(piece)) {
        fail(Fault.TOO_LARGE);
      }
    });
    answer.endHandler(end -> {
      leave();
      finish(new UpstreamReply.Answer(answer.statusCode(), answer::getHeader, collected.whole()));
    });
  }

  private void fail(Fault fault) {
    if (!over) {
      end();
      cut();
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
    share.drop();
    if (whole != null) {
      whole.drop();
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
    end();
    if (waiting != null) {
      waiting.withdraw();
    }
    if (connection != null && request != null && response == null) {
      connection.doubt(client.time(), client.connectLimit());
    }
    cut();
  }

  /**
   * Lets the answer run out unheard, so that its connection can carry the next request; one that
   * goes on for too long is cut. Nothing more is told.
   */
  public void release() {
    HttpClientResponse rest = response;
    if (over || rest == null) {
      return;
    }
    end();
    if (lost || connection == null) {
      // Nothing is left to run out, and Vert.x would throw.
      cut();
      return;
    }
    Timer limit = client.time().after(RUN_OUT, this::cut);
    rest.handler(ignored -> {});
    rest.endHandler(end -> {
      limit.cancel();
      leave();
    });
    rest.exceptionHandler(failure -> {
      limit.cancel();
      cut();
    });
    rest.resume();
  }

  /**
   * Leaves the connection behind the answer. An upstream that has answered before it read the whole
   * request may never read the rest, and so not what is sent behind it either.
   */
  private void leave() {
    if (connection != null && written != null && written.isComplete()) {
      client.pool().giveBack(connection);
      connection = null;
    } else {
      cut();
    }
  }

  /** Leaves the connection before the end of the answer. */
  private void cut() {
    UpstreamConnection left = connection;
    if (left == null) {
      return;
    }
    // Vert.x tells at once that the answer is cut.
    connection = null;
    if (request != null) {
      left.cut(request);
      request = null;
    }
    client.pool().giveBack(left);
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

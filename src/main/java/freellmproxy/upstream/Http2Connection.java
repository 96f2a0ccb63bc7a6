package freellmproxy.upstream;

import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.netty.channel.Channel;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.GoAway;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.http.impl.UnpooledHttpClientConnection;
import io.vertx.core.http.impl.http2.codec.Http2ClientConnectionImpl;
import io.vertx.core.internal.buffer.BufferInternal;
import java.time.Duration;
import java.util.function.Consumer;

/** A connection of HTTP/2, which Vert.x works. */
final class Http2Connection extends UpstreamConnection {
  /** Error code for "not needed any more" (RFC 9113 section 7). */
  private static final long H2_CANCEL = 0x8;

  /**
   * More than all streams of a connection together can have on their way, each of which has a
   * window of its own. One that they share would be full of what a single slow client has not read,
   * and every other call would stand still.
   */
  private static final int WINDOW_BYTES = 1 << 30;

  private static final Buffer PING = Buffer.buffer(new byte[8]);

  private final HttpClientConnection http;
  private final io.vertx.core.http.impl.HttpClientConnection internals;
  private final Channel channel;
  private final io.netty.handler.codec.http2.Http2Connection streams;

  private boolean isLeaving;
  private boolean isDoubted;

  /**
   * Takes a connection over.
   *
   * @param onClose told once, when it has closed
   */
  Http2Connection(HttpClientConnection http, Consumer<UpstreamConnection> onClose) {
    this.http = http;
    this.internals = ((UnpooledHttpClientConnection) http).unwrap();
    this.channel = internals.channelHandlerContext().channel();
    this.streams = channel.pipeline().get(Http2ConnectionHandler.class).connection();
    // The option of this name is for connections of Vert.x's own pool.
    http.setWindowSize(WINDOW_BYTES);
    http.goAwayHandler(Http2Connection::upstreamGoes);
    internals.evictionHandler(leaving -> isLeaving = true);
    http.closeHandler(closed -> onClose.accept(this));
    // Its close is told, and each call's failure; without this Vert.x logs an error as well, with
    // what the upstream has sent in it.
    http.exceptionHandler(failure -> {});
  }

  private static void upstreamGoes(GoAway words) {
    // Vert.x has copied them into memory of the pool, and gives it back to nobody.
    ((BufferInternal) words.getDebugData()).unwrap().release();
  }

  @Override
  boolean isMultiplexed() {
    return true;
  }

  @Override
  long capacity() {
    return http.maxActiveStreams();
  }

  @Override
  boolean hasRoom() {
    // A stream that was reset counts until the upstream is told.
    return isUsable() && Math.max(openCalls(), http.activeStreams()) < capacity();
  }

  @Override
  boolean isUsable() {
    return !isLeaving && !isDoubted && channel.isActive();
  }

  @Override
  boolean isWithinKeepAlive() {
    return !isIdle() || isNew() || internals.isValid();
  }

  /**
   * Whether the upstream has worked on no part of a stream that failed: it has never heard of it,
   * or said when it went away that it had not come to it (RFC 9113 section 6.8).
   *
   * @param stream its number, not positive while it has none
   */
  boolean leavesOut(long stream) {
    boolean isBehindTheLast =
        streams.goAwayReceived() && stream > streams.local().lastStreamKnownByPeer();
    return stream <= 0 || isBehindTheLast;
  }

  @Override
  UpstreamStream newStream(StreamListener listener) {
    return new Http2Stream(this, listener);
  }

  /** Begins a request, which must be sent at once: until then Vert.x does not count it. */
  Future<HttpClientRequest> request(RequestOptions options) {
    return http.request(options);
  }

  /** Runs a task behind those that wait on the event loop already. */
  void soon(Runnable task) {
    internals.context().runOnContext(now -> task.run());
  }

  /** Ends a request of it that is not over. */
  void cut(HttpClientRequest request) {
    request.reset(H2_CANCEL);
    // Vert.x resets none that has been answered, though its body may still wait to be read.
    int stream = Math.toIntExact(request.streamId());
    if (internals instanceof Http2ClientConnectionImpl http2 && http2.stream(stream) != null) {
      http2.writeReset(stream, H2_CANCEL, null);
    }
  }

  @Override
  void doubt(Time time, Duration limit) {
    if (isDoubted) {
      return;
    }
    isDoubted = true;
    Timer tooLate = time.after(limit, this::close);
    http.ping(PING)
        .onComplete(answered -> {
          tooLate.cancel();
          isDoubted = answered.failed();
          if (isDoubted) {
            close();
          }
        });
  }

  /** Vert.x alone would wait until the upstream has read all that is on its way to it. */
  @Override
  void close() {
    isLeaving = true;
    http.close();
    var _ = internals.channelHandlerContext().close();
  }
}

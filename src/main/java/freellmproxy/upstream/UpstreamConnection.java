package freellmproxy.upstream;

import freellmproxy.net.HeadRoom;
import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.netty.channel.Channel;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.GoAway;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.http.impl.UnpooledHttpClientConnection;
import io.vertx.core.http.impl.http2.codec.Http2ClientConnectionImpl;
import io.vertx.core.internal.buffer.BufferInternal;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * A connection to the upstream: one call at a time on HTTP/1.1, many on HTTP/2. A call that has got
 * it from the {@link ConnectionPool} has its place on it until it gives it back. Lives on one event
 * loop.
 */
final class UpstreamConnection {
  /** Error code for "not needed any more" (RFC 9113 section 7). */
  private static final long H2_CANCEL = 0x8;

  private static final Buffer PING = Buffer.buffer(new byte[8]);

  private final HttpClientConnection http;
  private final io.vertx.core.http.impl.HttpClientConnection internals;
  private final Channel channel;

  private boolean isLeaving;
  private boolean isUpstreamGoing;
  private boolean isDoubted;
  private boolean isUnused;
  private int openCalls;
  private long calls;

  /**
   * Takes a connection over.
   *
   * @param onClose told once, when it has closed
   */
  UpstreamConnection(HttpClientConnection http, Consumer<UpstreamConnection> onClose) {
    this.http = http;
    this.internals = ((UnpooledHttpClientConnection) http).unwrap();
    this.channel = internals.channelHandlerContext().channel();
    if (isMultiplexed()) {
      http.goAwayHandler(this::upstreamGoes);
    } else {
      AnswerTail.check(internals.channelHandlerContext());
      AnswerInflater.install(channel.pipeline());
      HeadRoom.install(channel);
    }
    internals.evictionHandler(leaving -> isLeaving = true);
    http.closeHandler(closed -> onClose.accept(this));
    // Its close is told, and each call's failure; without this Vert.x logs an error as well, with
    // what the upstream has sent in it.
    http.exceptionHandler(failure -> {});
  }

  private void upstreamGoes(GoAway words) {
    isUpstreamGoing = true;
    // Vert.x has copied them into memory of the pool, and gives it back to nobody.
    ((BufferInternal) words.getDebugData()).unwrap().release();
  }

  /** Whether it is of HTTP/2. */
  boolean isMultiplexed() {
    return http.protocolVersion() == HttpVersion.HTTP_2;
  }

  /** How many calls it carries at once. */
  long capacity() {
    return http.maxActiveStreams();
  }

  /** Whether one more call may go over it. */
  boolean hasRoom() {
    // A stream that was reset counts until the upstream is told.
    return isUsable() && Math.max(openCalls, http.activeStreams()) < capacity();
  }

  /**
   * Whether it may carry calls, even if it has no room for one now. One that is doubted may not.
   */
  boolean isUsable() {
    return !isLeaving && !isDoubted && channel.isActive();
  }

  /** Whether the upstream can be expected to keep it open still. */
  boolean isWithinKeepAlive() {
    return !isIdle() || calls == 0 || internals.isValid();
  }

  boolean isIdle() {
    return openCalls == 0;
  }

  /** Whether more calls than one have gone over it, so that its end need not be about the last. */
  boolean isShared() {
    return calls > 1;
  }

  /**
   * Whether a call that fails now was left out by an upstream that goes away (RFC 9113 section
   * 6.8). Those that it still works on end with the connection, not before.
   */
  boolean leavesCallsOut() {
    return isUpstreamGoing && channel.isActive();
  }

  /** Closes it if it has carried no call since this was called last. */
  void closeIfUnused() {
    if (isUnused) {
      close();
    }
    isUnused = isIdle();
  }

  /** A call takes a place. */
  void take() {
    openCalls++;
    calls++;
    isUnused = false;
  }

  /** A call leaves its place. */
  void leave() {
    openCalls--;
  }

  /** Begins a request, which must be sent at once: until then Vert.x does not count it. */
  Future<HttpClientRequest> request(RequestOptions options) {
    return http.request(options);
  }

  /** Ends a request of it that is not over. On HTTP/1.1 that takes the connection with it. */
  void cut(HttpClientRequest request) {
    request.reset(H2_CANCEL);
    if (!isMultiplexed()) {
      close();
    } else if (internals instanceof Http2ClientConnectionImpl http2) {
      // Vert.x resets none that has been answered, though its body may still wait to be read.
      int stream = Math.toIntExact(request.streamId());
      if (http2.stream(stream) != null) {
        http2.writeReset(stream, H2_CANCEL, null);
      }
    }
  }

  /**
   * A request on it was given up in silence. One of HTTP/2 gets no call until it has answered a
   * ping, and is closed when it does not: if it was lost without a word it would take call after
   * call, and every model would look silent, until TCP gives up after a quarter of an hour. One of
   * HTTP/1.1 ends with its request.
   */
  void doubt(Time time, Duration limit) {
    if (isDoubted || !isMultiplexed()) {
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

  /** At once. Vert.x alone would wait until the upstream has read all that is on its way to it. */
  void close() {
    isLeaving = true;
    http.close();
    var _ = internals.channelHandlerContext().close();
  }
}

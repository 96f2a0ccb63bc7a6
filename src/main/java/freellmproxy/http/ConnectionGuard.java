package freellmproxy.http;

import freellmproxy.time.Time;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.impl.HttpServerConnection;
import java.time.Duration;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * Closes connections on which no request is being answered and none comes: a keep-alive connection
 * that nobody uses, a body that goes on long after its answer (contract section 12; for a head that
 * comes too slowly see {@link RequestDecoder}). Vert.x's own idle limits cannot tell these from a
 * client that waits for its answer. Belongs to one event loop.
 */
final class ConnectionGuard {
  /** As long as nginx keeps an unused connection. */
  private static final Duration IDLE = Duration.ofSeconds(75);

  /** What comes of a body that nobody reads may take so long. A head has been refused by then. */
  private static final Duration UNWANTED = BodyReader.PATIENCE.multipliedBy(2);

  private final Time time;
  private final BooleanSupplier isStopping;
  private final IdentityHashMap<HttpConnection, Watched> connections = new IdentityHashMap<>();
  private boolean watchesAccepting;
  private final AtomicInteger openRequests = new AtomicInteger();

  ConnectionGuard(Time time, BooleanSupplier isStopping) {
    this.time = time;
    this.isStopping = isStopping;
  }

  /** Watches a new connection; closes it when the proxy is stopping. */
  void accepted(HttpConnection connection) {
    if (!watchesAccepting) {
      // The API shows the listening socket nowhere else.
      AcceptFailures.watch(connection, time);
      watchesAccepting = true;
    }
    if (isStopping.getAsBoolean()) {
      connection.close();
      return;
    }
    var watched = new Watched(connection);
    connections.put(connection, watched);
    connection.closeHandler(closed -> watched.closed());
    // The public API does not show bytes before a whole request head has come.
    Channel channel = ((HttpServerConnection) connection).channelHandlerContext().channel();
    channel.pipeline().addFirst(watched);
    watched.lookAgain(BodyReader.PATIENCE);
    RequestDecoder.install(connection, time, watched::isIdle);
    BodyTap.install(connection);
    HeadRoom.install(channel);
    channel
        .config()
        .setRecvByteBufAllocator(new BodyReads(BodyTap.of(connection), watched::isIdle));
  }

  /** A request head has come; until its answer is complete the client may be silent. */
  void requestBegan(HttpServerRequest request) {
    Watched watched = connections.get(request.connection());
    if (watched != null) {
      watched.requestBegan();
      request.response().endHandler(end -> watched.requestEnded());
    }
  }

  /** Requests that began and have no whole answer yet. May be called on any thread. */
  int openRequests() {
    return openRequests.get();
  }

  /** Closes what is left. */
  void closeAll() {
    for (HttpConnection connection : List.copyOf(connections.keySet())) {
      connection.close();
      LingeringClose.end(connection);
    }
  }

  private final class Watched extends ChannelInboundHandlerAdapter {
    private final HttpConnection connection;
    private long quietSinceNanos = time.nanos();
    private boolean isQuiet = true;
    private long firstByteNanos;
    private int open;
    private Time.Timer look = () -> {};

    Watched(HttpConnection connection) {
      this.connection = connection;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (isQuiet) {
        isQuiet = false;
        firstByteNanos = time.nanos();
      }
      context.fireChannelRead(message);
    }

    void requestBegan() {
      open++;
      openRequests.incrementAndGet();
    }

    void requestEnded() {
      if (open > 0) {
        open--;
        openRequests.decrementAndGet();
      }
      isQuiet = true;
      quietSinceNanos = time.nanos();
    }

    boolean isIdle() {
      return open == 0;
    }

    void lookAgain(Duration delay) {
      look = time.after(delay, this::look);
    }

    private void look() {
      if (!isIdle()) {
        lookAgain(BodyReader.PATIENCE);
        return;
      }
      Duration left =
          isQuiet
              ? IDLE.minus(time.since(quietSinceNanos))
              : UNWANTED.minus(time.since(firstByteNanos));
      if (left.isPositive()) {
        lookAgain(left.compareTo(BodyReader.PATIENCE) < 0 ? left : BodyReader.PATIENCE);
      } else {
        connection.close();
      }
    }

    void closed() {
      openRequests.addAndGet(-open);
      open = 0;
      look.cancel();
      connections.remove(connection);
    }
  }
}

package freellmproxy.http;

import freellmproxy.time.Limit;
import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;
import io.vertx.core.internal.ContextInternal;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Closes a connection on which a request was answered before it was read whole. Closing at once
 * would make the kernel reset the connection and could take the answer from a client that has not
 * read it yet, so the client is told that no more will come, and what it still sends is thrown away
 * for a while (RFC 9112 section 9.6). It is thrown away before it is decoded: a decoder that has
 * met nonsense makes nothing of it.
 */
final class LingeringClose extends ChannelDuplexHandler {
  /** Without a byte. */
  private static final Duration MOMENT = Duration.ofSeconds(2);

  /** In all: most clients read the answer only when they have sent everything. */
  private static final Duration LONGEST = Duration.ofSeconds(30);

  private final ContextInternal loop;
  private final Time time;
  private Runnable onByte = () -> {};
  private Runnable onClosed = () -> {};

  private LingeringClose(ContextInternal loop, Time time) {
    this.loop = loop;
    this.time = time;
  }

  /**
   * Sees to it that nothing more is read from a connection, and that closing it lingers. To be
   * called before the answer is sent, which may make Vert.x close.
   */
  static void prepare(HttpConnection connection, Time time) {
    var server = (HttpServerConnection) connection;
    server.channelHandlerContext().pipeline().addFirst(new LingeringClose(server.context(), time));
    // Vert.x would serve what it has decoded already. That it closes by itself is not waited for.
    connection.shutdown(LONGEST.toSeconds(), TimeUnit.SECONDS);
  }

  /** Closes at once where closing lingers. */
  static void end(HttpConnection connection) {
    ChannelHandlerContext lingering =
        ((HttpServerConnection) connection)
            .channelHandlerContext()
            .pipeline()
            .context(LingeringClose.class);
    if (lingering != null) {
      var _ = lingering.close();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ReferenceCountUtil.release(message);
    onByte.run();
  }

  /** Vert.x asks for it when the answer is with the kernel. */
  @Override
  public void close(ChannelHandlerContext context, ChannelPromise promise) {
    // A timer fires where it was set.
    loop.dispatch(() -> linger(context, promise));
    context.channel().config().setAutoRead(true);
    var _ = ((DuplexChannel) context.channel()).shutdownOutput();
  }

  private void linger(ChannelHandlerContext context, ChannelPromise promise) {
    Runnable end =
        () -> {
          onClosed.run();
          var _ = context.close(promise);
        };
    var silence = new Limit(time, end);
    Timer longest = time.after(LONGEST, end);
    silence.in(MOMENT);
    onByte = () -> silence.in(MOMENT);
    onClosed =
        () -> {
          silence.cancel();
          longest.cancel();
        };
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    onClosed.run();
    context.fireChannelInactive();
  }
}

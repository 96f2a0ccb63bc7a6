package freellmproxy.http;

import freellmproxy.time.Seldom;
import freellmproxy.time.Time;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says that no connection can be taken, mostly since no more files may be open, where Netty would
 * write a stack trace each time. Netty itself waits a second before it tries again. For the socket
 * that all event loops share, on whose thread it runs.
 */
final class AcceptFailures extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(AcceptFailures.class);
  private static final Duration BETWEEN_LINES = Duration.ofMinutes(1);

  private final Seldom line;
  private int unlogged;

  private AcceptFailures(Time time) {
    this.line = new Seldom(time, BETWEEN_LINES);
  }

  /** Watches the socket that this connection came from; that may be done already. */
  static void watch(HttpConnection connection, Time time) {
    Channel listening =
        ((HttpServerConnection) connection).channelHandlerContext().channel().parent();
    ChannelPipeline pipeline = listening.pipeline();
    synchronized (pipeline) {
      if (pipeline.get(AcceptFailures.class) == null) {
        pipeline.addLast(new AcceptFailures(time));
      }
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (!line.isDue()) {
      unlogged++;
      return;
    }
    LOG.atWarn()
        .addKeyValue("error", cause.getMessage())
        .addKeyValue("fix", "close connections, or raise `ulimit -n` and restart")
        .addKeyValue("unlogged_before", unlogged)
        .log("accept_failed");
    unlogged = 0;
  }
}

package freellmproxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Takes a request's body out of the connection before Vert.x copies every piece of it into an array
 * of its own. Stands right before Vert.x's handler; belongs to one connection.
 */
final class BodyTap extends ChannelInboundHandlerAdapter {
  private static final String NAME = "body";

  private boolean passesHead;
  private @Nullable Consumer<ByteBuf> taker;
  private Runnable onMalformed = () -> {};

  static void install(HttpConnection connection) {
    ChannelHandlerContext vertx = ((HttpServerConnection) connection).channelHandlerContext();
    vertx.pipeline().addBefore(vertx.name(), NAME, new BodyTap());
  }

  static BodyTap of(HttpConnection connection) {
    ChannelHandlerContext vertx = ((HttpServerConnection) connection).channelHandlerContext();
    return (BodyTap) vertx.pipeline().get(NAME);
  }

  /**
   * Gives the pieces of the body to {@code taker}, which must be done with each when it returns;
   * {@code onMalformed} is told when there can be no more, since the next is no chunk. Only while
   * the request's head is being handled: pieces of a pipelined request may wait in Vert.x already,
   * and come from there as usual then.
   */
  void divertTo(Consumer<ByteBuf> taker, Runnable onMalformed) {
    if (passesHead) {
      this.taker = taker;
      this.onMalformed = onMalformed;
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (message instanceof HttpRequest) {
      taker = null;
      passesHead = true;
      context.fireChannelRead(message);
      passesHead = false;
    } else if (taker != null && message instanceof HttpContent content) {
      if (content.decoderResult().isFailure()) {
        // Vert.x would close the connection without a word.
        content.release();
        onMalformed.run();
        return;
      }
      try {
        taker.accept(content.content());
      } finally {
        content.release();
      }
      if (content instanceof LastHttpContent) {
        context.fireChannelRead(LastHttpContent.EMPTY_LAST_CONTENT);
      }
    } else {
      context.fireChannelRead(message);
    }
  }
}

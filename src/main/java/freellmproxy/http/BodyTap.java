package freellmproxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;
import io.vertx.core.internal.ContextInternal;
import org.jspecify.annotations.Nullable;

/**
 * Takes a request's body out of the connection before Vert.x copies every piece of it into an array
 * of its own. Stands right before Vert.x's handler; belongs to one connection.
 */
final class BodyTap extends ChannelInboundHandlerAdapter {
  private static final String NAME = "body";

  private final ContextInternal loop;
  private boolean passesHead;
  private boolean isIncomplete;
  private int length;
  private int lastLength;
  private @Nullable Taker taker;

  /** Who gets a body. */
  interface Taker {
    /** A piece, which it must be done with when it returns. */
    void take(ByteBuf piece);

    /**
     * Where the next bytes belong, for the connection to write them there and release it: a piece
     * that lies there need not be copied. Ends where the body does, since what is read behind it is
     * not its own. Null when they have no place.
     */
    @Nullable ByteBuf place();

    /** There can be no more, since what comes next is not what belongs there. */
    void refused(Throwable cause);

    /** Nothing more has come yet. */
    void await();
  }

  BodyTap(ContextInternal loop) {
    this.loop = loop;
  }

  static void install(HttpConnection connection) {
    var server = (HttpServerConnection) connection;
    ChannelHandlerContext vertx = server.channelHandlerContext();
    vertx.pipeline().addBefore(vertx.name(), NAME, new BodyTap(server.context()));
  }

  static BodyTap of(HttpConnection connection) {
    ChannelHandlerContext vertx = ((HttpServerConnection) connection).channelHandlerContext();
    return (BodyTap) vertx.pipeline().get(NAME);
  }

  /**
   * Gives the body to {@code taker}, if that can be: only while the request's head is being
   * handled. Pieces of a pipelined request may wait in Vert.x already, and come from there as usual
   * then.
   */
  boolean divertTo(Taker taker) {
    if (passesHead) {
      this.taker = taker;
    }
    return passesHead;
  }

  /** The place of the next bytes in a body, to be released; null where they have none. */
  @Nullable ByteBuf place() {
    return taker == null ? null : taker.place();
  }

  /** Whether a request's head has come and not yet all of its body. */
  boolean isIncomplete() {
    return isIncomplete;
  }

  /** How many bytes the last whole body had that somebody took; 0 when there was none. */
  int lastLength() {
    return lastLength;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    isIncomplete = !(message instanceof LastHttpContent);
    if (message instanceof HttpRequest) {
      taker = null;
      length = 0;
      passesHead = true;
      context.fireChannelRead(message);
      passesHead = false;
    } else if (taker != null && message instanceof HttpContent content) {
      if (content.decoderResult().isFailure()) {
        // Vert.x would close the connection without a word.
        content.release();
        taker.refused(content.decoderResult().cause());
        return;
      }
      length += content.content().readableBytes();
      try {
        taker.take(content.content());
      } finally {
        content.release();
      }
      if (content instanceof LastHttpContent) {
        lastLength = length;
        taker = null;
        context.fireChannelRead(LastHttpContent.EMPTY_LAST_CONTENT);
      }
    } else {
      context.fireChannelRead(message);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    if (taker != null) {
      // A timer belongs to the context that it is set in, and Netty is in none here.
      loop.dispatch(taker::await);
    }
    context.fireChannelReadComplete();
  }
}

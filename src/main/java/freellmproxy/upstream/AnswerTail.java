package freellmproxy.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;

/**
 * Keeps an HTTP/1.1 connection from the next request when more came than the answer's {@code
 * Content-Length} says: it would be taken for the beginning of the next answer. The codec does not
 * say what it has left, but empty lines tell: where an answer may begin they are skipped, and what
 * has begun they make an answer that nobody asked for, for which Vert.x closes the connection.
 * Stands right before Vert.x's handler; belongs to one connection.
 */
final class AnswerTail extends ChannelDuplexHandler {
  private static final ByteBuf EMPTY_LINES =
      Unpooled.unreleasableBuffer(Unpooled.wrappedBuffer(new byte[] {'\r', '\n', '\r', '\n'}));

  private boolean answerIsDue;
  private boolean isInterim;

  static void check(ChannelHandlerContext vertx) {
    vertx.pipeline().addBefore(vertx.name(), "tail", new AnswerTail());
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise written) {
    answerIsDue |= message instanceof HttpRequest;
    var _ = context.write(message, written);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (message instanceof HttpResponse head) {
      isInterim = head.status().codeClass() == HttpStatusClass.INFORMATIONAL;
    }
    if (message instanceof LastHttpContent && !isInterim) {
      answerIsDue = false;
    }
    context.fireChannelRead(message);
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) throws Exception {
    if (!answerIsDue) {
      HttpClientCodec codec = context.pipeline().get(HttpClientCodec.class);
      codec.channelRead(context.pipeline().context(codec), EMPTY_LINES.duplicate());
    }
    context.fireChannelReadComplete();
  }
}

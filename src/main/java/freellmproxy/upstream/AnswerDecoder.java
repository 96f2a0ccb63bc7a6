package freellmproxy.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.List;

/** Netty's decoder of HTTP/1.1 answers, which also tells what has come behind one. */
final class AnswerDecoder extends HttpResponseDecoder {
  private boolean isInMessage;

  AnswerDecoder(HttpDecoderConfig config) {
    super(config);
  }

  @Override
  protected HttpMessage createMessage(String[] initialLine) {
    isInMessage = true;
    return super.createMessage(initialLine);
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf bytes, List<Object> messages)
      throws Exception {
    super.decode(context, bytes, messages);
    if (!messages.isEmpty() && messages.getLast() instanceof LastHttpContent) {
      isInMessage = false;
    }
  }

  /** Whether what has come so far ends inside of a message; empty lines between two are none. */
  boolean isInMessage() {
    return isInMessage || actualReadableBytes() > 0;
  }
}

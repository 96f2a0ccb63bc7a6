package freellmproxy.upstream;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpContentDecompressor;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponse;

/**
 * Decompresses the answers of an HTTP/1.1 connection that are compressed, although no request asks
 * for it, and lets all others pass: Netty's own takes every piece of those apart as well, which
 * costs a stream more than its parsing. Belongs to one connection.
 */
final class AnswerInflater extends HttpContentDecompressor {
  private boolean isEncoded;

  AnswerInflater() {
    super(false, 0);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
    if (message instanceof HttpResponse head) {
      isEncoded = isEncoded(head.headers());
    }
    if (isEncoded) {
      super.channelRead(context, message);
    } else {
      context.fireChannelRead(message);
    }
  }

  private static boolean isEncoded(HttpHeaders headers) {
    String transfer = headers.get(HttpHeaderNames.TRANSFER_ENCODING);
    return headers.contains(HttpHeaderNames.CONTENT_ENCODING)
        || (transfer != null && !HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(transfer));
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) throws Exception {
    if (isEncoded) {
      super.channelReadComplete(context);
    } else {
      // It would ask for more than is wanted, having seen nothing.
      context.fireChannelReadComplete();
    }
  }
}

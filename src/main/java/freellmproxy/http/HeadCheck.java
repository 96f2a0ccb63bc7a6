package freellmproxy.http;

import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TransferEncodingNotAllowedException;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;
import java.util.List;

/**
 * Marks requests as malformed that Netty and Vert.x take for good ones, or answer with less than an
 * error of ours. It stands before Vert.x, which keeps the order of pipelined requests.
 */
@Sharable
final class HeadCheck extends ChannelInboundHandlerAdapter {
  private static final HeadCheck INSTANCE = new HeadCheck();

  private HeadCheck() {}

  /** Neither HTTP/1.1 nor HTTP/1.0. */
  static final class UnknownVersion extends Exception {
    private static final long serialVersionUID = 1L;
  }

  static void install(HttpConnection connection) {
    ChannelHandlerContext vertx = ((HttpServerConnection) connection).channelHandlerContext();
    vertx.pipeline().addBefore(vertx.name(), "head", INSTANCE);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (message instanceof HttpRequest request) {
      check(request);
    }
    context.fireChannelRead(message);
  }

  private static void check(HttpRequest request) {
    if (!hasKnownVersion(request)) {
      // The answer is of the version that stands there.
      request.setProtocolVersion(HttpVersion.HTTP_1_1);
      request.setDecoderResult(DecoderResult.failure(new UnknownVersion()));
    } else if (request.decoderResult().isSuccess() && isOddlyFramed(request)) {
      request.setDecoderResult(
          DecoderResult.failure(new TransferEncodingNotAllowedException("not chunked")));
    }
  }

  /** Vert.x knows them by identity, and does not take {@code http/1.1} for one. */
  @SuppressWarnings("ReferenceEquality")
  private static boolean hasKnownVersion(HttpRequest request) {
    HttpVersion version = request.protocolVersion();
    return version == HttpVersion.HTTP_1_1 || version == HttpVersion.HTTP_1_0;
  }

  /**
   * Netty takes the body of such a request for the next one. With any transfer coding but chunked
   * nobody can tell where it ends (RFC 9112 section 6.3).
   */
  private static boolean isOddlyFramed(HttpRequest request) {
    List<String> codings = request.headers().getAll(HttpHeaderNames.TRANSFER_ENCODING);
    return !codings.isEmpty()
        && !(codings.size() == 1 && codings.getFirst().strip().equalsIgnoreCase("chunked"));
  }
}

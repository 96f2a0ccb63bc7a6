package freellmproxy.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2PingFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.DefaultHttp2SettingsFrame;
import io.netty.handler.codec.http2.DefaultHttp2WindowUpdateFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameStream;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2PingFrame;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A connection of an {@link Http2Upstream}. Everything it is told is done in that order. */
public final class Http2Peer extends ChannelInboundHandlerAdapter {
  private final Channel channel;
  private final Http2FrameCodec codec;
  private final BlockingQueue<Http2FrameStream> begun = new LinkedBlockingQueue<>();
  private final BlockingQueue<Http2FrameStream> requests = new LinkedBlockingQueue<>();
  private final BlockingQueue<Http2ResetFrame> resets = new LinkedBlockingQueue<>();
  private final BlockingQueue<Long> pings = new LinkedBlockingQueue<>();
  private final BlockingQueue<Long> pongs = new LinkedBlockingQueue<>();

  Http2Peer(Channel channel, Http2FrameCodec codec) {
    this.channel = channel;
    this.codec = codec;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object frame) {
    try {
      switch (frame) {
        case Http2HeadersFrame headers -> {
          begun.add(headers.stream());
          ended(headers.stream(), headers.isEndStream());
        }
        case Http2DataFrame data -> {
          int taken = data.initialFlowControlledBytes();
          var _ =
              context.writeAndFlush(new DefaultHttp2WindowUpdateFrame(taken).stream(data.stream()));
          ended(data.stream(), data.isEndStream());
        }
        case Http2ResetFrame reset -> resets.add(reset);
        case Http2PingFrame ping when ping.ack() -> pongs.add(ping.content());
        case Http2PingFrame ping -> pings.add(ping.content());
        default -> {}
      }
    } finally {
      ReferenceCountUtil.release(frame);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
    // A stream that was reset, or a connection: the test sees it by what does not come.
  }

  private void ended(Http2FrameStream stream, boolean isEnd) {
    if (isEnd) {
      requests.add(stream);
    }
  }

  private static <T> T next(BlockingQueue<T> queue, String what) throws InterruptedException {
    T next = queue.poll(Http2Upstream.PATIENCE_SECONDS, TimeUnit.SECONDS);
    assertThat(next).as(what).isNotNull();
    return next;
  }

  /** The next request, whole. */
  public Http2FrameStream request() throws InterruptedException {
    return next(requests, "a request");
  }

  /** The next request of which the head has come. */
  public Http2FrameStream begun() throws InterruptedException {
    return next(begun, "the head of a request");
  }

  /** The error code of the next reset. */
  public Http2Error reset() throws InterruptedException {
    return Http2Error.valueOf(next(resets, "a reset").errorCode());
  }

  /** What is in the next ping. */
  public long ping() throws InterruptedException {
    return next(pings, "a ping");
  }

  /** Answers a ping. */
  public void pong(long content) {
    var _ = write(new DefaultHttp2PingFrame(content, true));
  }

  /** Waits until the other side has read all that it was sent. */
  public void awaitRead() throws InterruptedException {
    var _ = write(new DefaultHttp2PingFrame(1, false));
    next(pongs, "the answer to a ping");
  }

  /** Sends the head of an answer. */
  public void head(Http2FrameStream stream, String contentType) {
    var _ =
        write(
            new DefaultHttp2HeadersFrame(
                    new DefaultHttp2Headers().status("200").set("content-type", contentType))
                .stream(stream));
  }

  /** Sends some of the body; completes when the window of the stream has let all of it through. */
  public ChannelFuture data(Http2FrameStream stream, String text) {
    return write(data(text, false).stream(stream));
  }

  /** Sends the end of the body. */
  public ChannelFuture lastData(Http2FrameStream stream, String text) {
    return write(data(text, true).stream(stream));
  }

  private static DefaultHttp2DataFrame data(String text, boolean isEnd) {
    return new DefaultHttp2DataFrame(Unpooled.copiedBuffer(text, UTF_8), isEnd);
  }

  /** Sends a whole answer. */
  public void answer(Http2FrameStream stream) {
    head(stream, "application/json");
    var _ = lastData(stream, "{}");
  }

  /** Takes the next request and sends a whole answer. */
  public void answerNext() throws InterruptedException {
    answer(request());
  }

  /** Sends headers that end the answer. */
  public void trailers(Http2FrameStream stream) {
    Http2Headers trailers = new DefaultHttp2Headers().set("x-cost", "0");
    var _ = write(new DefaultHttp2HeadersFrame(trailers, true).stream(stream));
  }

  /** Resets a stream. */
  public void reset(Http2FrameStream stream, Http2Error code) {
    var _ = write(new DefaultHttp2ResetFrame(code).stream(stream));
  }

  /** Says other settings. */
  public void settings(Http2Settings settings) {
    var _ = write(new DefaultHttp2SettingsFrame(settings));
  }

  /** Says that it goes away, and answers no stream behind this one. */
  public void goAway(int lastStream, Http2Error code) {
    channel
        .eventLoop()
        .execute(() -> {
          ChannelHandlerContext context = channel.pipeline().context(codec);
          // Past the codec, which would not take it as the end of those that have come.
          var _ =
              codec
                  .encoder()
                  .frameWriter()
                  .writeGoAway(
                      context,
                      lastStream,
                      code.code(),
                      Unpooled.EMPTY_BUFFER,
                      context.newPromise());
          context.flush();
        });
  }

  /** How much more of a stream the other side would take. */
  public int window(Http2FrameStream stream) {
    return CompletableFuture.supplyAsync(
            () ->
                codec.encoder().flowController().windowSize(codec.connection().stream(stream.id())),
            channel.eventLoop())
        .join();
  }

  /** Closes the connection without a word of TLS or HTTP/2. */
  public void drop() {
    channel
        .eventLoop()
        .execute(() -> {
          var _ = channel.pipeline().firstContext().close();
        });
  }

  /** Waits until the other side has closed the connection. */
  public void awaitClosed() throws InterruptedException {
    assertThat(channel.closeFuture().await(Http2Upstream.PATIENCE_SECONDS, TimeUnit.SECONDS))
        .as("closed")
        .isTrue();
  }

  private ChannelFuture write(Object frame) {
    return channel.writeAndFlush(frame);
  }
}

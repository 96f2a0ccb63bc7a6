package freellmproxy.upstream;

import freellmproxy.egress.OutboundHttp;
import freellmproxy.time.Time;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContentDecompressor;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.impl.UnpooledHttpClientConnection;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.net.impl.VertxHandler;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A connection of HTTP/1.1: Vert.x opens it, and from there on it is worked with Netty's codec
 * alone (docs/decisions/0023).
 */
final class Http1Connection extends UpstreamConnection {
  private static final int MAX_LINE_BYTES = 4 << 10;

  /** As much as is read at once. */
  private static final int MAX_PIECE_BYTES = 64 << 10;

  /** What servers commonly allow that do not say how long. */
  private static final Duration COMMON_KEEP_ALIVE = Duration.ofSeconds(60);

  private static final AsciiString KEEP_ALIVE = AsciiString.cached("keep-alive");

  private static final Pattern KEEP_ALIVE_TIMEOUT =
      Pattern.compile("(?:^|[ ,])timeout=(\\d{1,9})\\b", Pattern.CASE_INSENSITIVE);

  private final Channel channel;
  private final ContextInternal loop;
  private final Time time;
  private final Consumer<UpstreamConnection> onClose;
  private final AnswerDecoder decoder;

  private boolean isLeaving;

  /** Whether an answer has ended and nobody has looked yet at what came behind it. */
  private boolean mayHaveMore;

  private Duration keepAlive = COMMON_KEEP_ALIVE;
  private long keptSinceNanos;
  private @Nullable Http1Stream stream;

  /**
   * Takes a connection over.
   *
   * @param onClose told once, when it has closed
   */
  Http1Connection(HttpClientConnection http, Time time, Consumer<UpstreamConnection> onClose) {
    var internals = ((UnpooledHttpClientConnection) http).unwrap();
    this.channel = internals.channelHandlerContext().channel();
    this.loop = internals.context();
    this.time = time;
    this.onClose = onClose;
    this.keptSinceNanos = time.nanos();
    this.decoder =
        new AnswerDecoder(
            new HttpDecoderConfig()
                .setMaxInitialLineLength(MAX_LINE_BYTES)
                .setMaxHeaderSize(OutboundHttp.MAX_HEADER_BYTES)
                .setMaxChunkSize(MAX_PIECE_BYTES));
    ChannelPipeline pipeline = channel.pipeline();
    pipeline.replace(VertxHandler.class, "answers", new Answers());
    pipeline.replace(HttpContentDecompressor.class, "inflater", new AnswerInflater());
    pipeline.replace(HttpClientCodec.class, "decoder", decoder);
  }

  @Override
  boolean isMultiplexed() {
    return false;
  }

  @Override
  long capacity() {
    return 1;
  }

  @Override
  boolean hasRoom() {
    return isUsable() && isIdle() && !mayHaveMore;
  }

  @Override
  boolean isUsable() {
    return !isLeaving && channel.isActive();
  }

  @Override
  boolean isWithinKeepAlive() {
    return time.since(keptSinceNanos).compareTo(keepAlive) < 0;
  }

  @Override
  UpstreamStream newStream(StreamListener listener) {
    var next = new Http1Stream(this, channel, listener);
    stream = next;
    return next;
  }

  /** The head of an answer says whether and how long the connection may be used after it. */
  void learn(HttpResponse head) {
    if (!HttpUtil.isKeepAlive(head)) {
      isLeaving = true;
    }
    String words = head.headers().get(KEEP_ALIVE);
    if (words != null) {
      Matcher timeout = KEEP_ALIVE_TIMEOUT.matcher(words);
      keepAlive =
          timeout.find() ? Duration.ofSeconds(Long.parseLong(timeout.group(1))) : COMMON_KEEP_ALIVE;
    }
  }

  /** Its stream has come to its end. */
  void ended() {
    stream = null;
    mayHaveMore = true;
    keptSinceNanos = time.nanos();
  }

  /**
   * Closes it when nothing should come now. What has come behind an answer would be taken for the
   * beginning of the next one.
   */
  void lookBehindAnswer() {
    mayHaveMore = false;
    if (stream == null && (isLeaving || decoder.isInMessage())) {
      close();
    }
  }

  /** It ends with its stream. */
  @Override
  void doubt(Time time, Duration limit) {}

  @Override
  void close() {
    isLeaving = true;
    var _ = channel.close();
  }

  private void read(Object message) {
    if (stream == null) {
      ReferenceCountUtil.release(message);
      close();
    } else {
      stream.read(message);
    }
  }

  private void fail(Throwable failure) {
    if (stream != null) {
      stream.read(failure instanceof IOException ? Loss.CLOSED : Loss.BROKEN);
    }
    close();
  }

  private void closed() {
    onClose.accept(this);
    if (stream != null) {
      stream.read(Loss.CLOSED);
    }
  }

  /** Hands over what comes, as Vert.x does, in the context that the connection was opened in. */
  private final class Answers extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      loop.dispatch(message, Http1Connection.this::read);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      lookBehindAnswer();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable failure) {
      loop.dispatch(failure, Http1Connection.this::fail);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      loop.dispatch(Http1Connection.this::closed);
    }
  }
}

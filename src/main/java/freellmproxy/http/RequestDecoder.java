package freellmproxy.http;

import freellmproxy.http.RefusedRequest.Fault;
import freellmproxy.time.Time;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpConstants;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.AsciiString;
import io.vertx.core.http.Http1ServerConfig;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;
import io.vertx.core.http.impl.http1.VertxHttpRequestDecoder;
import io.vertx.core.internal.ContextInternal;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Vert.x's decoder with the limits that it lacks and without its leniency (contract section 12). A
 * head, trailers and the line before a chunk are decoded only when they have come whole; until then
 * they stay the bytes they are, counted by {@link HeadMemory}. For one connection.
 */
final class RequestDecoder extends VertxHttpRequestDecoder {
  /** What has been read of a body at once is not cut into pieces, as Netty would. */
  private static final int MAX_PIECE_BYTES = 1 << 20;

  /** A client may send empty lines behind a body (RFC 9112 section 2.2), but not for ever. */
  private static final int MAX_EMPTY_LINES = 8;

  private final BooleanSupplier isIdle;
  private final UnfinishedPart unfinished;
  private final HeadScan scan = new HeadScan();
  private Part part = Part.HEAD;
  private int emptyLines;
  private int hosts;
  private int chunkLeft;
  private @Nullable ChannelHandlerContext context;

  /** What comes next. */
  private enum Part {
    HEAD,
    BODY,
    CHUNK_LINE,
    CHUNK,
    CHUNK_END,
    TRAILERS,
    /** Nothing that anybody could make sense of. */
    NONSENSE
  }

  private RequestDecoder(ContextInternal loop, Time time, BooleanSupplier isIdle) {
    super(
        new Http1ServerConfig()
            .setMaxInitialLineLength(HeadScan.MAX_REQUEST_LINE)
            .setMaxHeaderSize(HeadScan.MAX_BYTES)
            .setMaxChunkSize(MAX_PIECE_BYTES));
    this.isIdle = isIdle;
    this.unfinished = new UnfinishedPart(loop, time, this::headTooSlow);
  }

  /**
   * Takes the place of Vert.x's own.
   *
   * @param isIdle whether no request is open; before its answer no next one need come
   */
  static void install(HttpConnection connection, Time time, BooleanSupplier isIdle) {
    var server = (HttpServerConnection) connection;
    server
        .channelHandlerContext()
        .pipeline()
        .replace(
            VertxHttpRequestDecoder.class,
            "request",
            new RequestDecoder(server.context(), time, isIdle));
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf buffer, List<Object> out)
      throws Exception {
    try {
      if (!decodesPart(context, buffer, out)) {
        hold(context, buffer);
      }
    } catch (RefusedRequest refused) {
      letGo();
      buffer.skipBytes(buffer.readableBytes());
      out.add(refusal(refused));
    }
  }

  /** Whether something was done; nothing is, while the part has not come whole. */
  private boolean decodesPart(ChannelHandlerContext context, ByteBuf buffer, List<Object> out)
      throws Exception {
    return switch (part) {
      case HEAD -> decodesHead(context, buffer, out);
      case BODY -> {
        super.decode(context, buffer, out);
        if (out.getLast() instanceof LastHttpContent) {
          part = Part.HEAD;
        }
        yield true;
      }
      case CHUNK_LINE -> decodesChunkLine(context, buffer, out);
      case CHUNK -> {
        decodeChunk(context, buffer, out, 0);
        yield true;
      }
      case CHUNK_END -> decodesChunkEnd(context, buffer, out);
      case TRAILERS -> decodesTrailers(context, buffer, out);
      case NONSENSE -> {
        buffer.skipBytes(buffer.readableBytes());
        yield true;
      }
    };
  }

  private boolean decodesHead(ChannelHandlerContext context, ByteBuf buffer, List<Object> out)
      throws Exception {
    skipEmptyLines(buffer);
    if (!buffer.isReadable()) {
      letGo();
      return true;
    }
    if (!scan.isWhole(buffer, 1)) {
      return false;
    }
    letGo();
    emptyLines = 0;
    hosts = 0;
    int first = out.size();
    super.decode(context, buffer, out);
    headCame((HttpRequest) out.get(first), out.getLast());
    return true;
  }

  private void skipEmptyLines(ByteBuf buffer) throws RefusedRequest {
    while (buffer.isReadable()) {
      byte first = buffer.getByte(buffer.readerIndex());
      boolean isOther = first != HttpConstants.CR && first != HttpConstants.LF;
      if (isOther || (first == HttpConstants.CR && buffer.readableBytes() == 1)) {
        return;
      }
      boolean isEmptyLine =
          first == HttpConstants.CR && buffer.getByte(buffer.readerIndex() + 1) == HttpConstants.LF;
      if (!isEmptyLine || ++emptyLines > MAX_EMPTY_LINES) {
        throw new RefusedRequest(Fault.NOT_HTTP);
      }
      buffer.skipBytes(2);
    }
  }

  private void headCame(HttpRequest request, Object last) {
    Fault fault = HeadCheck.check(request, hosts);
    if (fault != null) {
      request.setDecoderResult(DecoderResult.failure(new RefusedRequest(fault)));
    }
    if (request.decoderResult().isFailure()) {
      part = Part.NONSENSE;
    } else if (!(last instanceof LastHttpContent)) {
      part = HttpUtil.isTransferEncodingChunked(request) ? Part.CHUNK_LINE : Part.BODY;
    }
  }

  private boolean decodesChunkLine(ChannelHandlerContext context, ByteBuf buffer, List<Object> out)
      throws Exception {
    int length = ChunkLine.length(buffer);
    if (length == 0) {
      return false;
    }
    chunkLeft = ChunkLine.size(buffer, length);
    letGo();
    if (chunkLeft > 0) {
      decodeChunk(context, buffer, out, length);
    } else {
      super.decode(context, buffer, out);
      goOnWith(Part.TRAILERS, out);
    }
    return true;
  }

  /** Of the line before it, of it and of the line end behind it, Netty takes what is there. */
  private void decodeChunk(
      ChannelHandlerContext context, ByteBuf buffer, List<Object> out, int lineLength)
      throws Exception {
    int before = buffer.readableBytes();
    super.decode(context, buffer, out);
    int taken = before - lineLength - buffer.readableBytes();
    int ofChunk = Math.min(taken, chunkLeft);
    chunkLeft -= ofChunk;
    boolean isPastLineEnd = taken > ofChunk;
    goOnWith(chunkLeft > 0 ? Part.CHUNK : isPastLineEnd ? Part.CHUNK_LINE : Part.CHUNK_END, out);
  }

  private boolean decodesChunkEnd(ChannelHandlerContext context, ByteBuf buffer, List<Object> out)
      throws Exception {
    if (buffer.readableBytes() < 2) {
      return false;
    }
    letGo();
    super.decode(context, buffer, out);
    goOnWith(Part.CHUNK_LINE, out);
    return true;
  }

  private boolean decodesTrailers(ChannelHandlerContext context, ByteBuf buffer, List<Object> out)
      throws Exception {
    if (!scan.isWhole(buffer, 0)) {
      return false;
    }
    letGo();
    super.decode(context, buffer, out);
    goOnWith(Part.HEAD, out);
    return true;
  }

  private void goOnWith(Part next, List<Object> out) {
    boolean isBroken =
        !out.isEmpty()
            && out.getLast() instanceof HttpObject last
            && last.decoderResult().isFailure();
    part = isBroken ? Part.NONSENSE : next;
  }

  /** Keeps what has come of a part until there is more. */
  private void hold(ChannelHandlerContext context, ByteBuf buffer) throws RefusedRequest {
    boolean isFirst = !unfinished.isThere();
    unfinished.hold(buffer.capacity());
    if (isFirst && part == Part.HEAD) {
      this.context = context;
      unfinished.limit();
    }
  }

  private void letGo() {
    scan.reset();
    unfinished.end();
  }

  private void headTooSlow() {
    ChannelHandlerContext here = context;
    if (here == null || part != Part.HEAD) {
      return;
    }
    if (isIdle.getAsBoolean()) {
      here.fireChannelRead(refusal(new RefusedRequest(Fault.HEAD_TOO_SLOW)));
      here.fireChannelReadComplete();
    } else {
      unfinished.limit();
    }
  }

  /** What the part that comes now is for those behind, who answer and close. */
  private HttpObject refusal(RefusedRequest refused) {
    HttpObject broken = part == Part.HEAD ? createInvalidMessage() : new DefaultLastHttpContent();
    broken.setDecoderResult(DecoderResult.failure(refused));
    part = Part.NONSENSE;
    return broken;
  }

  @Override
  protected AsciiString splitHeaderName(byte[] line, int start, int length) {
    if (length == 0) {
      throw new IllegalArgumentException("a header without a name");
    }
    AsciiString name = super.splitHeaderName(line, start, length);
    if (length == HttpHeaderNames.HOST.length()
        && HttpHeaderNames.HOST.contentEqualsIgnoreCase(name)) {
      hosts++;
    }
    return name;
  }

  @Override
  protected HttpMessage createMessage(String[] requestLine) {
    requestLine[2] = HeadCheck.spokenVersion(requestLine[2]);
    return super.createMessage(requestLine);
  }

  @Override
  protected HttpMessage createInvalidMessage() {
    return new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/");
  }

  @Override
  protected void handlerRemoved0(ChannelHandlerContext context) throws Exception {
    letGo();
    super.handlerRemoved0(context);
  }
}

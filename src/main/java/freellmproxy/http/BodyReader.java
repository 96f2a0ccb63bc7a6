package freellmproxy.http;

import freellmproxy.http.RefusedRequest.Fault;
import freellmproxy.time.Limit;
import freellmproxy.time.Time;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.internal.buffer.BufferInternal;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads one request body into memory, within limits of size and patience (contract section 12). */
final class BodyReader implements BodyTap.Taker {
  /** Slow senders are cut after this long without a byte. A head must have come by then. */
  static final Duration PATIENCE = Duration.ofSeconds(30);

  /** For each of these that has come there is a second more, behind the first {@link #PATIENCE}. */
  private static final int BYTES_A_SECOND = 1 << 10;

  /** A length that is only announced reserves no more than this. */
  private static final int LARGEST_FIRST_PIECE = 1 << 20;

  private static final int SMALLEST_FIRST_PIECE = 4 << 10;

  private final int maxBytes;
  private final Time time;
  private final Limit patience;
  private final Consumer<Result> onResult;
  private ByteBuf body = Unpooled.EMPTY_BUFFER;
  private long announced;
  private long beganNanos;
  private boolean over;

  /** What came of reading. */
  sealed interface Result {
    /** The whole body, outside the heap; who is told of it releases it. */
    record Complete(ByteBuf body) implements Result {}

    /** It is, or claims to be, larger than allowed; the rest was not read. */
    record TooLarge() implements Result {}

    /** The bodies of other requests leave no memory for it; the rest was not read. */
    record NoRoom() implements Result {}

    /** It is not in chunks as it claims to be. */
    record Malformed() implements Result {}

    /** Its trailers are too long or too many. */
    record TrailersTooLarge() implements Result {}

    /** The client stopped sending, or sends next to nothing. */
    record TooSlow() implements Result {}
  }

  private BodyReader(int maxBytes, Time time, Consumer<Result> onResult) {
    this.maxBytes = maxBytes;
    this.time = time;
    this.patience = new Limit(time, () -> giveUp(new Result.TooSlow()));
    this.onResult = onResult;
  }

  /** Starts reading; {@code onResult} is told once, unless the client goes away first. */
  static void read(HttpServerRequest request, int maxBytes, Time time, Consumer<Result> onResult) {
    new BodyReader(maxBytes, time, onResult).start(request);
  }

  private void start(HttpServerRequest request) {
    announced = announced(request);
    beganNanos = time.nanos();
    if (announced > maxBytes) {
      giveUp(new Result.TooLarge());
      return;
    }
    if (waitsToBeAsked(request)) {
      request.response().writeContinue();
    }
    if (!BodyTap.of(request.connection()).divertTo(this)) {
      await();
      request.handler(piece -> {
        take(((BufferInternal) piece).getByteBuf());
        await();
      });
    }
    request.endHandler(end -> complete());
    request.exceptionHandler(failure -> stop());
  }

  /**
   * HTTP/1.0 knows no interim answers and would take one for the answer (RFC 9110 section 15.2).
   */
  private static boolean waitsToBeAsked(HttpServerRequest request) {
    return "100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))
        && request.version() != HttpVersion.HTTP_1_0;
  }

  private static long announced(HttpServerRequest request) {
    String header = request.getHeader(HttpHeaders.CONTENT_LENGTH);
    // Netty refuses requests whose length is no number before they get here.
    return header == null ? 0 : Long.parseLong(header);
  }

  @Override
  public void take(ByteBuf piece) {
    if (over || !piece.isReadable()) {
      return;
    }
    int length = body.readableBytes() + piece.readableBytes();
    if (length > maxBytes) {
      giveUp(new Result.TooLarge());
      return;
    }
    if (isInPlace(piece)) {
      body.writerIndex(length);
    } else if (isWhole(piece) && isMostOfItsBuffer(piece)) {
      body.release();
      body = piece.retain();
    } else if (piece.readableBytes() <= body.writableBytes() || grow(length)) {
      body.writeBytes(piece);
    } else {
      giveUp(new Result.NoRoom());
    }
  }

  @Override
  public @Nullable ByteBuf place() {
    long missing = announced - body.readableBytes();
    if (over || missing <= 0 || (!body.isWritable() && !grow(body.readableBytes() + 1))) {
      return null;
    }
    int length = (int) Math.min(missing, body.writableBytes());
    return body.retainedSlice(body.writerIndex(), length).clear();
  }

  /** Whether it is all of the body, and outside the heap, where bodies stay. */
  private boolean isWhole(ByteBuf piece) {
    return piece.readableBytes() == announced && piece.isDirect();
  }

  /** Whether it needs most of the buffer that it was read to, and would keep. */
  private static boolean isMostOfItsBuffer(ByteBuf piece) {
    ByteBuf buffer = piece;
    while (buffer.unwrap() != null) {
      buffer = buffer.unwrap();
    }
    return buffer.capacity() <= Math.max(2 * piece.readableBytes(), SMALLEST_FIRST_PIECE);
  }

  /** Whether it has been read to where {@link #place} said. */
  private boolean isInPlace(ByteBuf piece) {
    return piece.hasMemoryAddress()
        && body.hasMemoryAddress()
        && piece.memoryAddress() + piece.readerIndex() == body.memoryAddress() + body.writerIndex();
  }

  @Override
  public void refused(Throwable cause) {
    giveUp(
        switch (cause) {
          case RefusedRequest refused when refused.fault() == Fault.HEADERS_TOO_LARGE ->
              new Result.TrailersTooLarge();
          case RefusedRequest refused when refused.fault() == Fault.NO_ROOM -> new Result.NoRoom();
          default -> new Result.Malformed();
        });
  }

  /** Most bodies come in one go with their heads, and need no timer. */
  @Override
  public void await() {
    if (over) {
      return;
    }
    Duration earned = Duration.ofSeconds(body.readableBytes() / BYTES_A_SECOND);
    Duration left = PATIENCE.plus(earned).minus(time.since(beganNanos));
    if (left.isPositive()) {
      patience.in(left.compareTo(PATIENCE) < 0 ? left : PATIENCE);
    } else {
      giveUp(new Result.TooSlow());
    }
  }

  /** Makes room for so many bytes; says false where there is none. */
  private boolean grow(int needed) {
    int capacity = capacity(needed);
    if (!BodyMemory.hasRoomFor(capacity)) {
      return false;
    }
    if (body.isReadable()) {
      body.capacity(capacity);
    } else {
      body = PooledByteBufAllocator.DEFAULT.directBuffer(capacity, maxBytes);
    }
    return true;
  }

  /** Most clients announce the length, and then nothing needs to be moved later. */
  private int capacity(int needed) {
    if (body.isReadable()) {
      return PooledByteBufAllocator.DEFAULT.calculateNewCapacity(needed, maxBytes);
    }
    int expected = Math.clamp(announced, SMALLEST_FIRST_PIECE, LARGEST_FIRST_PIECE);
    return Math.clamp(expected, needed, maxBytes);
  }

  private void complete() {
    if (!over) {
      over = true;
      patience.cancel();
      onResult.accept(new Result.Complete(body));
    }
  }

  private void giveUp(Result result) {
    if (!over) {
      stop();
      onResult.accept(result);
    }
  }

  private void stop() {
    if (!over) {
      over = true;
      patience.cancel();
      body.release();
    }
  }
}

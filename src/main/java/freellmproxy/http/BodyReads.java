package freellmproxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import java.util.function.BooleanSupplier;

/**
 * Says where the next bytes of a client's connection are read to: to their place in the body, where
 * there is one, so that they need not be copied there, and at a request's beginning to a buffer for
 * all of it, if it is much like the one before. For one connection without TLS, where what is read
 * is what was sent.
 */
final class BodyReads extends DefaultMaxMessagesRecvByteBufAllocator {
  /** A request that may be longer is not read at once. As large as the buffers that loops keep. */
  private static final int LARGEST_REQUEST = 128 << 10;

  /** A head with a small body. What more of a large one comes at once has to be copied. */
  private static final int SMALL_READ = 4 << 10;

  /** Of a body that comes fast and has no place: its length is not known, or nobody wants it. */
  private static final int LARGE_READ = 64 << 10;

  /** Longer than what is in front of the bodies of coding agents. */
  private static final int HEAD = 1 << 10;

  private final BodyTap body;
  private final BooleanSupplier isIdle;

  /**
   * Reads once in a turn of the event loop: at its next one more has come of a large body.
   *
   * @param isIdle whether no request is open; what comes before its answer may stay for an hour
   */
  BodyReads(BodyTap body, BooleanSupplier isIdle) {
    super(1);
    this.body = body;
    this.isIdle = isIdle;
  }

  @Override
  public ExtendedHandle newHandle() {
    return new Reads();
  }

  private final class Reads extends MaxMessageHandle {
    @Override
    public ByteBuf allocate(ByteBufAllocator pool) {
      ByteBuf place = body.place();
      return place == null ? super.allocate(pool) : place;
    }

    @Override
    public int guess() {
      if (body.isIncomplete()) {
        return moreOfABody();
      }
      return isIdle.getAsBoolean() ? anotherRequest() : SMALL_READ;
    }

    /** Who sends a chunk byte by byte must not hold much memory with each. */
    private int moreOfABody() {
      boolean wasFilled = lastBytesRead() > 0 && lastBytesRead() == attemptedBytesRead();
      return wasFilled ? LARGE_READ : SMALL_READ;
    }

    /** An agent sends its conversation again with each turn, a bit longer. */
    private int anotherRequest() {
      int last = body.lastLength();
      int expected = Math.max(HEAD + last + last / 4, SMALL_READ);
      boolean isReadAtOnce = expected <= LARGEST_REQUEST && BodyMemory.hasRoomFor(expected);
      return isReadAtOnce ? expected : SMALL_READ;
    }
  }
}

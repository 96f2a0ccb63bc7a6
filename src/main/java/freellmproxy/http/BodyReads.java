package freellmproxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;

/**
 * Says where the next bytes of a client's connection are read to: to their place in the body, where
 * there is one, so that they need not be copied there. For one connection without TLS, where what
 * is read is what was sent.
 */
final class BodyReads extends DefaultMaxMessagesRecvByteBufAllocator {
  /** A head with a small body. What more of a large one comes at once has to be copied. */
  private static final int SMALL_READ = 4 << 10;

  /** Of a body that comes fast and has no place: its length is not known, or nobody wants it. */
  private static final int LARGE_READ = 64 << 10;

  private final BodyTap body;

  /** Reads once in a turn of the event loop: at its next one more has come of a large body. */
  BodyReads(BodyTap body) {
    super(1);
    this.body = body;
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

    /** Who sends a chunk byte by byte must not hold much memory with each. */
    @Override
    public int guess() {
      boolean wasFilled = lastBytesRead() > 0 && lastBytesRead() == attemptedBytesRead();
      return body.isIncomplete() && wasFilled ? LARGE_READ : SMALL_READ;
    }
  }
}

package freellmproxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator.DelegatingHandle;
import io.netty.channel.RecvByteBufAllocator.ExtendedHandle;
import io.netty.util.UncheckedBooleanSupplier;

/**
 * Says where the next bytes of a client's connection are read to: to their place in the body, where
 * there is one, so that they need not be copied there. For one connection.
 */
final class BodyReads implements RecvByteBufAllocator {
  /** A head with a small body. What more comes with a large one has to be copied. */
  private static final int FIRST_READ = 4 << 10;

  private static final int SMALLEST_READ = 64;
  private static final int LARGEST_READ = 64 << 10;

  /** For bodies whose length nobody knows. */
  private static final RecvByteBufAllocator ADAPTIVE =
      new AdaptiveRecvByteBufAllocator(SMALLEST_READ, FIRST_READ, LARGEST_READ);

  private final BodyTap body;

  BodyReads(BodyTap body) {
    this.body = body;
  }

  @Override
  public ExtendedHandle newHandle() {
    return new Reads((ExtendedHandle) ADAPTIVE.newHandle());
  }

  private final class Reads extends DelegatingHandle implements ExtendedHandle {
    private Reads(ExtendedHandle adaptive) {
      super(adaptive);
    }

    @Override
    public ByteBuf allocate(ByteBufAllocator pool) {
      BodyTap.Taker taker = body.taker();
      if (taker == null) {
        return pool.ioBuffer(FIRST_READ);
      }
      ByteBuf place = taker.place();
      return place == null ? super.allocate(pool) : place;
    }

    @Override
    public boolean continueReading(UncheckedBooleanSupplier maybeMoreData) {
      return ((ExtendedHandle) delegate()).continueReading(maybeMoreData);
    }
  }
}

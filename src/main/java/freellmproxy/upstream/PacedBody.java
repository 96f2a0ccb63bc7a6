package freellmproxy.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import java.util.concurrent.TimeUnit;

/**
 * Writes a large body in slices, and lets the event loop do other work between two: TLS encrypts
 * what it gets at once, for half a second when that is 32 MB and its code is not compiled yet
 * (docs/decisions/0026). For the channel's event loop.
 */
final class PacedBody {
  /** A body up to this is written at once. */
  static final int SLICE = 128 << 10;

  private final Channel channel;
  private final ByteBuf body;
  private final ChannelPromise written;

  private PacedBody(Channel channel, ByteBuf body) {
    this.channel = channel;
    this.body = body;
    this.written = channel.newPromise();
  }

  /**
   * Writes and flushes a body.
   *
   * @param body is released when it is written, or cannot be
   * @return completes when all of it is written
   */
  static ChannelFuture write(Channel channel, ByteBuf body) {
    if (body.readableBytes() <= SLICE) {
      return channel.writeAndFlush(body);
    }
    var paced = new PacedBody(channel, body);
    paced.writeNext();
    return paced.written;
  }

  private void writeNext() {
    if (body.readableBytes() <= SLICE) {
      var _ = channel.writeAndFlush(body, written);
      return;
    }
    channel
        .writeAndFlush(body.readRetainedSlice(SLICE))
        .addListener(slice -> {
          if (slice.isSuccess()) {
            // Netty runs a task that is not scheduled in the same turn, for up to a second.
            var _ = channel.eventLoop().schedule(this::writeNext, 0, TimeUnit.NANOSECONDS);
          } else {
            body.release();
            written.setFailure(slice.cause());
          }
        });
  }
}

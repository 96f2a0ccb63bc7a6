package freellmproxy.http;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;

/**
 * Gives the heads of answers on an HTTP/1.1 connection buffers with room for a small body behind
 * them. Netty's encoder puts the body there if there is room, but asks for none: two buffers then
 * go through every step of a write, which costs more than the copy (docs/decisions/0022). What is
 * asked for in other ways than heads are comes from the connection's allocator as it is.
 */
final class HeadRoom extends AbstractByteBufAllocator {
  /** No head is shorter, and no line that says the length of a chunk is longer. */
  private static final int SHORTEST_HEAD = 16;

  /** A head and the largest body that is better copied than sent from where it is. */
  private static final int ROOM = 10 << 10;

  private final ByteBufAllocator pool;

  private HeadRoom(ByteBufAllocator pool) {
    super(true);
    this.pool = pool;
  }

  /** For the messages that are sent on this connection from now on. */
  static void install(Channel channel) {
    channel.config().setAllocator(new HeadRoom(channel.alloc()));
  }

  @Override
  public ByteBuf buffer(int initialCapacity) {
    boolean isForHead = initialCapacity >= SHORTEST_HEAD && initialCapacity < ROOM;
    return pool.buffer(isForHead ? ROOM : initialCapacity);
  }

  @Override
  protected ByteBuf newHeapBuffer(int initialCapacity, int maxCapacity) {
    return pool.heapBuffer(initialCapacity, maxCapacity);
  }

  @Override
  protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
    return pool.directBuffer(initialCapacity, maxCapacity);
  }

  @Override
  public boolean isDirectBufferPooled() {
    return pool.isDirectBufferPooled();
  }
}

package freellmproxy.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Decision 0026: no large body is written in one turn of an event loop. */
final class PacedBodyTest {
  private static final String OTHER_WORK = "other work";

  /** In order: the length of each write, and the other work that was waiting when it came. */
  private final List<Object> writes = new ArrayList<>();

  private int turnsTaken;

  private final EmbeddedChannel channel =
      new EmbeddedChannel(
          new ChannelOutboundHandlerAdapter() {
            @Override
            public void write(ChannelHandlerContext context, Object bytes, ChannelPromise promise) {
              writes.add(((ByteBuf) bytes).readableBytes());
              context.channel().eventLoop().execute(() -> writes.add(OTHER_WORK));
              var _ = context.write(bytes, promise);
            }
          });

  @Test
  void otherWorkIsDoneBetweenTwoSlices() {
    ChannelFuture written = write(3 * PacedBody.SLICE + 5);
    assertThat(written.isSuccess()).isTrue();
    assertThat(turnsTaken).isGreaterThan(1);
    assertThat(writes)
        .containsExactly(
            PacedBody.SLICE,
            OTHER_WORK,
            PacedBody.SLICE,
            OTHER_WORK,
            PacedBody.SLICE,
            OTHER_WORK,
            5,
            OTHER_WORK);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, PacedBody.SLICE - 1, PacedBody.SLICE})
  void aSmallBodyGoesAtOnce(int length) {
    assertThat(write(length).isSuccess()).isTrue();
    assertThat(writes).containsExactly(length, OTHER_WORK);
  }

  @Test
  void whatCannotBeWrittenIsReleased() {
    ByteBuf body = body(3 * PacedBody.SLICE);
    var _ = channel.close();
    ChannelFuture written = PacedBody.write(channel, body);
    channel.runPendingTasks();
    assertThat(written.isDone()).isTrue();
    assertThat(written.isSuccess()).isFalse();
    assertThat(body.refCnt()).isZero();
  }

  /** Writes a body and checks that all of it comes, byte for byte. */
  private ChannelFuture write(int length) {
    ByteBuf body = body(length);
    ByteBuf expected = body.copy();
    ChannelFuture written = PacedBody.write(channel, body);
    for (turnsTaken = 0; !written.isDone() && turnsTaken < 10; turnsTaken++) {
      // Does all that is not scheduled, as an event loop does before it looks at its connections.
      channel.runPendingTasks();
    }
    channel.runPendingTasks();
    ByteBuf came = Unpooled.buffer();
    for (ByteBuf slice = channel.readOutbound(); slice != null; slice = channel.readOutbound()) {
      came.writeBytes(slice);
      slice.release();
    }
    assertThat(came).isEqualTo(expected);
    assertThat(body.refCnt()).isZero();
    return written;
  }

  private static ByteBuf body(int length) {
    ByteBuf body = Unpooled.directBuffer(Math.max(length, 1));
    for (int i = 0; i < length; i++) {
      body.writeByte(i * 31 + (i >> 8));
    }
    return body;
  }
}

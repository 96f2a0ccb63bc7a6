package freellmproxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.RecvByteBufAllocator.ExtendedHandle;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.vertx.core.Vertx;
import io.vertx.core.internal.VertxInternal;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

final class BodyReadsTest {
  private static final int SMALL = 4 << 10;
  private static final int LARGE = 64 << 10;

  @AutoClose private final Vertx vertx = ProxyVertx.create();
  private final BodyTap tap = new BodyTap(((VertxInternal) vertx).createEventLoopContext());
  private final ByteBuf place = Unpooled.buffer(7);
  private @Nullable ByteBuf placeGiven = place;
  private boolean isWanted = true;
  private boolean isIdle = true;

  @AutoClose("finishAndReleaseAll")
  private final EmbeddedChannel channel =
      new EmbeddedChannel(
          tap,
          new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
              if (message instanceof HttpRequest && isWanted) {
                tap.divertTo(new Body());
              }
            }
          });

  private final ExtendedHandle reads = new BodyReads(tap, () -> isIdle).newHandle();

  /** Wants to have it at a place. */
  private final class Body implements BodyTap.Taker {
    @Override
    public void take(ByteBuf piece) {}

    @Override
    public @Nullable ByteBuf place() {
      return placeGiven;
    }

    @Override
    public void refused(Throwable cause) {}

    @Override
    public void await() {}
  }

  @AfterEach
  void release() {
    place.release();
  }

  @Test
  void readLittleBetweenRequests() {
    assertReadTo(SMALL);
    head();
    end();
    read(SMALL, SMALL);
    assertReadTo(SMALL);
  }

  @Test
  void readABodyToItsPlace() {
    head();
    assertThat(reads.allocate(UnpooledByteBufAllocator.DEFAULT)).isSameAs(place);
    channel.writeInbound(new DefaultHttpContent(Unpooled.EMPTY_BUFFER));
    assertThat(reads.allocate(UnpooledByteBufAllocator.DEFAULT)).isSameAs(place);
  }

  @Test
  void readOnceInATurn() {
    head();
    reads.reset(channel.config());
    read(7, 7);
    assertThat(reads.continueReading(() -> true)).isTrue();
    reads.incMessagesRead(1);
    assertThat(reads.continueReading(() -> true)).isFalse();
  }

  @Test
  void readMuchOfABodyWithoutAPlace() {
    placeGiven = null;
    head();
    assertReadTo(SMALL);
    read(SMALL, SMALL);
    assertReadTo(LARGE);
    read(LARGE, LARGE - 1);
    assertReadTo(SMALL);
  }

  @Test
  void readMuchOfABodyThatNobodyWants() {
    isWanted = false;
    head();
    read(SMALL, SMALL);
    assertReadTo(LARGE);
    end();
    assertReadTo(SMALL);
  }

  @Test
  void readARequestAtOnceWhenTheLastWasOfSuchSize() {
    request(60_000);
    assertReadTo(1024 + 75_000);
    request(10);
    assertReadTo(SMALL);
    request(3_000);
    assertReadTo(1024 + 3_750);
    request(100_000);
    assertReadTo(1024 + 125_000);
    request(110_000);
    assertReadTo(SMALL);
  }

  @Test
  void readTheRestOfARequestToItsPlaceAlsoThen() {
    request(60_000);
    head();
    assertThat(reads.allocate(UnpooledByteBufAllocator.DEFAULT)).isSameAs(place);
  }

  /** What is read there may stay for as long as the answer lasts. */
  @Test
  void readLittleBeforeTheAnswer() {
    request(60_000);
    isIdle = false;
    assertReadTo(SMALL);
  }

  private void request(int length) {
    head();
    channel.writeInbound(new DefaultHttpContent(Unpooled.wrappedBuffer(new byte[length / 2])));
    channel.writeInbound(
        new DefaultLastHttpContent(Unpooled.wrappedBuffer(new byte[length - length / 2])));
  }

  private void head() {
    channel.writeInbound(new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/"));
  }

  private void read(int room, int bytes) {
    reads.attemptedBytesRead(room);
    reads.lastBytesRead(bytes);
  }

  private void end() {
    channel.writeInbound(LastHttpContent.EMPTY_LAST_CONTENT);
  }

  private void assertReadTo(int capacity) {
    ByteBuf buffer = reads.allocate(UnpooledByteBufAllocator.DEFAULT);
    assertThat(buffer.capacity()).isEqualTo(capacity);
    buffer.release();
  }
}

package freellmproxy.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HeadRoomTest {
  @AutoClose("finishAndReleaseAll")
  private final EmbeddedChannel channel = new EmbeddedChannel(new HttpResponseEncoder());

  /** Every time: what Netty learns of heads must not take the room away again. */
  @ParameterizedTest
  @ValueSource(ints = {1, 200, 2_000, 8 << 10})
  void sendsASmallBodyInOneBufferWithItsHead(int length) {
    HeadRoom.install(channel);
    for (int i = 0; i < 50; i++) {
      List<String> sent = sent(answer(length));
      assertThat(sent).hasSize(1);
      assertThat(sent.getFirst())
          .startsWith("HTTP/1.1 200 OK\r\n")
          .endsWith("\r\n" + "x".repeat(length));
    }
  }

  @Test
  void sendsALargeBodyFromWhereItIs() {
    HeadRoom.install(channel);
    assertThat(sent(answer(20_000))).hasSize(2).last().isEqualTo("x".repeat(20_000));
  }

  @Test
  void makesNoRoomForTheLengthOfAChunk() {
    HeadRoom.install(channel);
    var head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
    HttpUtil.setTransferEncodingChunked(head, true);
    channel.writeOutbound(head);
    channel.releaseOutbound();
    channel.writeOutbound(new DefaultHttpContent(bytes(10)));
    ByteBuf length = channel.readOutbound();
    assertThat(length.toString(US_ASCII)).isEqualTo("a\r\n");
    assertThat(length.capacity()).isLessThan(16);
    length.release();
  }

  private static DefaultFullHttpResponse answer(int length) {
    var answer =
        new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, bytes(length));
    answer.headers().set(HttpHeaderNames.CONTENT_LENGTH, length);
    return answer;
  }

  private static ByteBuf bytes(int length) {
    return Unpooled.copiedBuffer("x".repeat(length), US_ASCII);
  }

  private List<String> sent(Object message) {
    channel.writeOutbound(message);
    var all = new ArrayList<String>();
    for (ByteBuf each = channel.readOutbound(); each != null; each = channel.readOutbound()) {
      all.add(each.toString(US_ASCII));
      each.release();
    }
    return all;
  }
}

package freellmproxy.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.Events;
import freellmproxy.testing.Http2Calls;
import freellmproxy.testing.Http2Peer;
import freellmproxy.testing.TestProxy;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.UpstreamCall;
import freellmproxy.upstream.UpstreamReply;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameStream;
import io.netty.handler.codec.http2.Http2Settings;
import io.vertx.core.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** How much is on its way on HTTP/2 at once: as much as who reads it takes, call by call. */
final class Http2WindowTest {
  /** Of a stream, unless somebody says otherwise (RFC 9113 section 6.9.2). */
  private static final int WINDOW = 65_535;

  private static final String LONG = "x".repeat(2 * WINDOW);

  @Test
  void opensNoFurtherWhileItsCallPauses() throws InterruptedException {
    try (var http = Http2Calls.start()) {
      Http2Calls.Streamed slow = http.stream().pausing();
      Http2Peer peer = http.upstream().accept();
      Http2FrameStream stream = peer.request();
      ChannelFuture written = fillWindow(peer, stream, slow);
      assertThat(slow.content()).isEqualTo("first");
      slow.resume();
      var _ = peer.lastData(stream, Events.STOP);
      assertThat(slow.last()).isInstanceOf(UpstreamReply.StreamEnd.class);
      assertThat(written.isSuccess()).isTrue();
      assertThat(slow.content()).isEqualTo("first" + LONG);
    }
  }

  /** One slow client must not keep all others waiting, with models to blame for it. */
  @Test
  void isOpenForOthersWhileOneCallPauses() throws InterruptedException {
    try (var http = Http2Calls.start()) {
      Http2Calls.Streamed slow = http.stream().pausing();
      Http2Peer peer = http.upstream().accept();
      var _ = fillWindow(peer, peer.request(), slow);
      Future<UpstreamReply> other = http.chat();
      Http2FrameStream stream = peer.request();
      peer.head(stream, "application/json");
      var _ = peer.lastData(stream, "[" + " ".repeat(2 * WINDOW) + "]");
      assertThat(TestProxy.await(other)).isInstanceOf(UpstreamReply.Answer.class);
    }
  }

  private static ChannelFuture fillWindow(
      Http2Peer peer, Http2FrameStream stream, Http2Calls.Streamed slow) {
    peer.head(stream, "text/event-stream");
    var _ = peer.data(stream, Events.content("first"));
    slow.awaitFirst();
    ChannelFuture written = peer.data(stream, Events.content(LONG));
    while (peer.window(stream) > 0) {
      assertThat(written.isDone()).isFalse();
    }
    return written;
  }

  /** The body is given back, and the connection carries others when it has shown that it stands. */
  @Test
  void canBeGivenUpWhenItNeverOpensForARequest() throws InterruptedException {
    try (var http = Http2Calls.with(Http2Settings.defaultSettings().initialWindowSize(0))) {
      ByteBuf body = Unpooled.copiedBuffer(LONG, UTF_8);
      var call = new AtomicReference<UpstreamCall>();
      http.calls()
          .inLoop(() -> call.set(http.calls().chat(() -> body, AnswerForm.WHOLE, step -> {})));
      Http2Peer peer = http.upstream().accept();
      peer.begun();
      http.calls().inLoop(() -> call.get().abort());
      assertThat(peer.reset()).isEqualTo(Http2Error.CANCEL);
      peer.pong(peer.ping());
      peer.settings(Http2Settings.defaultSettings().initialWindowSize(WINDOW));
      peer.awaitRead();
      assertThat(body.refCnt()).isZero();
      Future<UpstreamReply> next = http.chat();
      peer.answerNext();
      assertThat(TestProxy.await(next)).isInstanceOf(UpstreamReply.Answer.class);
    }
  }
}

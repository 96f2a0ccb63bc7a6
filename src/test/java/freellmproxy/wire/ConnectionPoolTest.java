package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.config.LiveSettings;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.TestProxy;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.AnswerMemory;
import freellmproxy.upstream.Pooling;
import freellmproxy.upstream.UpstreamClient;
import freellmproxy.upstream.UpstreamReply;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.netty.buffer.Unpooled;
import io.vertx.core.Context;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which connection a call gets, and when one is opened and closed. */
final class ConnectionPoolTest {
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);

  private final Vertx vertx = ProxyVertx.create();
  private final Context loop = vertx.getOrCreateContext();
  private final FakeTime time = new FakeTime();

  @SuppressWarnings("NullAway.Init")
  private ServerSocket upstream;

  @SuppressWarnings("NullAway.Init")
  private UpstreamClient client;

  @BeforeEach
  void start() throws IOException {
    upstream = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    upstream.setSoTimeout(20_000);
  }

  @AfterEach
  void stop() throws IOException {
    TestProxy.await(vertx.close());
    upstream.close();
  }

  private void connectBy(String scheme) {
    SandboxUpstream list =
        TestProxy.await(SandboxUpstream.start(vertx, SandboxUpstream.Options.FOR_TESTS));
    LiveSettings settings =
        TestProxy.liveSettings(
            list, "UPSTREAM_BASE_URL", scheme + "://127.0.0.1:" + upstream.getLocalPort() + "/v1");
    Promise<Void> ready = Promise.promise();
    loop.runOnContext(go -> {
      client = new UpstreamClient(vertx, settings, new AnswerMemory(), time);
      ready.complete();
    });
    TestProxy.await(ready.future());
  }

  /** A call and its last step. */
  private Promise<UpstreamReply> call() {
    Promise<UpstreamReply> last = Promise.promise();
    loop.runOnContext(go ->
        client.call(
            () -> Unpooled.copiedBuffer(CHAT, UTF_8),
            AnswerForm.WHOLE,
            Pooling.REUSE,
            step -> {
              if (step instanceof UpstreamReply.Answer || step instanceof UpstreamReply.Failure) {
                last.tryComplete(step);
              }
            }));
    return last;
  }

  private static void answer(Socket connection) throws IOException {
    connection.setSoTimeout(20_000);
    var read = new StringBuilder();
    while (read.indexOf(CHAT) < 0) {
      int next = connection.getInputStream().read();
      assertThat(next).as("end after %s", read).isNotNegative();
      read.append((char) next);
    }
    connection
        .getOutputStream()
        .write(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                .getBytes(UTF_8));
  }

  @Test
  void closesAConnectionThatNobodyHasUsedForAWhile() throws IOException {
    connectBy("http");
    Promise<UpstreamReply> answered = call();
    try (Socket connection = upstream.accept()) {
      answer(connection);
      assertThat(TestProxy.await(answered.future())).isInstanceOf(UpstreamReply.Answer.class);
      time.advance(Duration.ofSeconds(75));
      answered = call();
      answer(connection);
      assertThat(TestProxy.await(answered.future())).isInstanceOf(UpstreamReply.Answer.class);
      time.advance(Duration.ofSeconds(150));
      assertThat(connection.getInputStream().read()).isEqualTo(-1);
    }
  }

  /** Over TLS calls wait for one connection together, since HTTP/2 would carry them all. */
  @Test
  void opensAnotherForWhoCameLaterWhenOneDoesNotStandInTime() throws IOException {
    connectBy("https");
    Promise<UpstreamReply> first = call();
    try (Socket _ = upstream.accept()) {
      time.advance(CONNECT_LIMIT.minusSeconds(1));
      Promise<UpstreamReply> second = call();
      time.awaitTimerBetween(CONNECT_LIMIT, CONNECT_LIMIT);
      time.advance(Duration.ofSeconds(1));
      assertThat(TestProxy.await(first.future()))
          .isEqualTo(new UpstreamReply.Failure(Fault.CONNECT_TIMEOUT));
      upstream.accept().close();
      assertThat(TestProxy.await(second.future()))
          .isEqualTo(new UpstreamReply.Failure(Fault.TLS_FAILED));
    }
  }

  @Test
  void failsOnlyTheFirstOfThoseWhoWaitForAConnection() throws IOException {
    connectBy("https");
    Promise<UpstreamReply> first = call();
    Socket broken = upstream.accept();
    time.advance(Duration.ofSeconds(1));
    Promise<UpstreamReply> second = call();
    time.awaitTimerBetween(CONNECT_LIMIT, CONNECT_LIMIT);
    broken.close();
    assertThat(TestProxy.await(first.future()))
        .isEqualTo(new UpstreamReply.Failure(Fault.TLS_FAILED));
    upstream.accept().close();
    assertThat(TestProxy.await(second.future()))
        .isEqualTo(new UpstreamReply.Failure(Fault.TLS_FAILED));
  }
}

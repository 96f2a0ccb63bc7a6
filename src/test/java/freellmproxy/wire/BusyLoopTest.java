package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What happens at once on an event loop that had no time for a while. */
final class BusyLoopTest {
  private static final String PLAIN = "{\"messages\":[]}";
  private static final String ANSWER =
      "{\"choices\":[{\"message\":{\"content\":\"yes\"},\"finish_reason\":\"stop\"}]}";

  /**
   * The end of a connection that the loop has closed meanwhile must not end a new one that got its
   * file descriptor.
   */
  @Test
  void doesNotTakeTheEndOfAClientForTheEndOfANewCall() throws Exception {
    Vertx vertx =
        Vertx.vertx(new VertxOptions().setPreferNativeTransport(true).setEventLoopPoolSize(1));
    try (var upstream = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        var proxy = startBefore(upstream, vertx);
        var leaving = RawConnection.to(proxy.port());
        var other = RawConnection.to(proxy.port())) {
      upstream.setSoTimeout(20_000);
      other.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n").readUntil("ok");
      leaving.chat(PLAIN, "Connection: close");
      try (Socket first = accept(upstream)) {
        CountDownLatch busy = block(vertx);
        answer(first);
        other.chat(PLAIN);
        leaving.socket().shutdownOutput();
        busy.countDown();
      }
      try (Socket second = accept(upstream)) {
        answer(second);
        assertThat(other.readUntil("stop"))
            .contains("x-free-llm-proxy-model: " + FIRST, "x-free-llm-proxy-attempts: 1");
      }
    }
  }

  private static TestProxy startBefore(ServerSocket upstream, Vertx vertx) {
    String url = "http://127.0.0.1:" + upstream.getLocalPort() + "/v1";
    return TestProxy.start(
        vertx,
        new FakeTime(),
        SandboxUpstream.Options.FOR_TESTS,
        sandbox -> new String[] {"UPSTREAM_BASE_URL", url});
  }

  /** Takes a call and reads it whole. */
  private static Socket accept(ServerSocket upstream) throws IOException {
    Socket call = upstream.accept();
    call.setSoTimeout(20_000);
    var read = new StringBuilder();
    while (read.indexOf("[]}") < 0) {
      read.append((char) call.getInputStream().read());
    }
    return call;
  }

  private static void answer(Socket call) throws IOException {
    String head =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n"
            + "Content-Length: "
            + ANSWER.length()
            + "\r\n\r\n";
    call.getOutputStream().write((head + ANSWER).getBytes(StandardCharsets.US_ASCII));
  }

  /** Keeps the one event loop from its work until the latch is counted down. */
  private static CountDownLatch block(Vertx vertx) throws InterruptedException {
    var blocked = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    vertx.runOnContext(now -> {
      blocked.countDown();
      try {
        go.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
    blocked.await();
    return go;
  }
}

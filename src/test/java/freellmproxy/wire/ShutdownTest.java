package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.Events;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import io.vertx.core.Future;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Contract section 12: how the proxy stops. */
final class ShutdownTest {
  private static final String STREAM = "{\"stream\":true,\"messages\":[]}";
  private static final String READY = "GET /ready HTTP/1.1\r\nHost: test\r\n\r\n";

  /** Shorter than an attempt may take, so that it is the grace that ends what is open. */
  private static final Duration GRACE = Duration.ofSeconds(20);

  private final FakeTime time = new FakeTime();

  @AutoClose
  private final TestProxy proxy =
      TestProxy.startAt(time, "SHUTDOWN_GRACE_SEC", "" + GRACE.toSeconds());

  @Test
  @Timeout(60)
  void letsAnOpenStreamFinishAndTakesNothingNew() throws IOException {
    var gate = new Gate();
    proxy.sandbox().script(FIRST, ChatAnswer.text("one", "two").insert(3, new Step.Hold(gate)));
    try (var client = RawConnection.to(proxy.port()).chat(STREAM, "Connection: close");
        var probe = RawConnection.to(proxy.port()).send(READY)) {
      client.readUntil("one");
      assertThat(probe.readUntil("}")).startsWith("HTTP/1.1 200");
      Future<Void> stopped = proxy.proxy().stop();
      assertThat(probe.send(READY).readUntil("}")).contains("HTTP/1.1 503");
      try (var late = RawConnection.to(proxy.port())) {
        assertThat(late.isClosedByPeer()).isTrue();
      }
      gate.open();
      assertThat(client.readAll()).contains("two").endsWith("data: [DONE]\n\n\r\n0\r\n\r\n");
      goOnUntil(stopped);
      assertThat(canConnect()).isFalse();
    }
  }

  @Test
  @Timeout(60)
  void waitsForABodyThatIsStillComing() throws IOException {
    String body = "{\"messages\":[]}";
    try (var client = RawConnection.to(proxy.port())) {
      assertThat(client.send("GET /health HTTP/1.1\r\nHost: test\r\n\r\n").readUntil("}"))
          .startsWith("HTTP/1.1 200 ");
      int timers = time.pendingTimers();
      client.send(
          RawConnection.chatHead(body.length(), "Connection: close") + body.substring(0, 5));
      // The one for a sender that stops, set once the request has begun.
      time.awaitMoreTimersThan(timers);
      Future<Void> stopped = proxy.proxy().stop();
      assertThat(stopped.isComplete()).isFalse();
      client.send(body.substring(5));
      assertThat(client.readAll()).startsWith("HTTP/1.1 200 ");
      goOnUntil(stopped);
    }
  }

  @Test
  @Timeout(60)
  void doesNotWaitForAClientThatDoesNotRead() throws IOException {
    String content = "x".repeat(30 << 20);
    proxy
        .sandbox()
        .script(
            FIRST,
            Faults.status(200, "{\"choices\":[{\"message\":{\"content\":\"" + content + "\"}}]}"));
    try (var client = RawConnection.to(proxy.port()).chat("{\"messages\":[]}")) {
      proxy.awaitReceived(1);
      proxy.settledMetrics();
      Future<Void> stopped = proxy.proxy().stop();
      time.advance(GRACE);
      goOnUntil(stopped);
      assertThat(client.socket().isConnected()).isTrue();
    }
  }

  private void goOnUntil(Future<Void> stopped) {
    while (!stopped.isComplete()) {
      // A round trip in between lets the event loops go on.
      proxy.send(HttpRequest.newBuilder(proxy.sandbox().modelListUrl()));
      time.advance(Duration.ofMillis(20));
    }
  }

  private boolean canConnect() throws IOException {
    try (var late = RawConnection.to(proxy.port())) {
      return late.socket().isConnected();
    } catch (ConnectException refused) {
      return false;
    }
  }

  @Test
  @Timeout(60)
  void endsWhatIsOpenWhateverHasEndedBefore() throws IOException {
    List<Gate> gates = Stream.generate(Gate::new).limit(6).toList();
    proxy
        .sandbox()
        .script(
            FIRST,
            request ->
                ChatAnswer.standard()
                    .after(new Step.Hold(gates.get((int) request.number() - 1)))
                    .steps(request));
    var clients = new ArrayList<RawConnection>();
    try {
      for (int i = 0; i < gates.size(); i++) {
        clients.add(RawConnection.to(proxy.port()).chat("{\"messages\":[]}"));
        proxy.awaitReceived(i + 1);
      }
      // The first and the last of each event loop.
      for (int i : List.of(0, 1, 4, 5)) {
        gates.get(i).open();
        assertThat(clients.get(i).readUntil("fake OpenRouter")).contains(" 200 OK");
      }
      assertThat(proxy.get("/metrics").body()).contains("freellm_inflight_requests 2.0");
      Future<Void> stopped = proxy.proxy().stop();
      time.advance(GRACE);
      for (int i : List.of(2, 3)) {
        assertThat(clients.get(i).readUntil("}}")).contains("HTTP/1.1 503", "shutting down");
      }
      goOnUntil(stopped);
    } finally {
      for (RawConnection client : clients) {
        client.close();
      }
    }
  }

  @Test
  void endsWithAnErrorWhatIsStillOpenAfterTheGrace() throws IOException {
    proxy
        .sandbox()
        .script(
            FIRST,
            Faults.stream(Events.ROLE, Events.content("half")).upTo(2, new Step.Stall()),
            Faults.silence());
    try (var stream = RawConnection.to(proxy.port()).chat(STREAM)) {
      stream.readUntil("half");
      try (var plain = RawConnection.to(proxy.port()).chat("{\"messages\":[]}")) {
        proxy.awaitReceived(2);
        Future<Void> stopped = proxy.proxy().stop();
        time.advance(GRACE.minusMillis(100));
        assertThat(stopped.isComplete()).isFalse();
        time.advance(Duration.ofMillis(100));
        assertThat(stream.readUntil("[DONE]")).contains("\"error\"", "shutting down");
        assertThat(plain.readUntil("}}")).contains("HTTP/1.1 503", "shutting down");
        time.advance(Duration.ofSeconds(1));
        TestProxy.await(stopped);
      }
    }
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static freellmproxy.testing.TestProxy.FIRST;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** Requests that come before there is a list (contract sections 1 and 2). */
final class FirstListTest {
  private static final String MODELS =
      "GET /v1/models HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer "
          + TestProxy.KEY
          + "\r\n\r\n";

  private final FakeTime time = new FakeTime();
  private final Gate list = new Gate();

  @AutoClose
  private final TestProxy proxy =
      TestProxy.startUnread(time, oneModel().after(new Step.Hold(list)));

  private static Behaviour oneModel() {
    return Faults.status(200, "[{\"id\":\"" + FIRST + "\"}]");
  }

  /** One that the proxy has taken: it looks at the clock and sets a timer then, too. */
  private RawConnection connect() throws IOException {
    var connection = RawConnection.to(proxy.port());
    connection.send("GET /health HTTP/1.1\r\nHost: test\r\n\r\n").readUntil("}");
    return connection;
  }

  private interface Sending {
    RawConnection send() throws IOException;
  }

  /** The proxy looks at the clock when bytes come, and again when they are a head. */
  private void sendAndAwaitHeld(Sending sending) throws IOException {
    long looks = time.looks();
    sending.send();
    time.awaitLookAfter(looks + 1);
  }

  @Test
  void holdsARequestUntilTheListIsThere() throws IOException {
    try (var chat = connect();
        var models = connect()) {
      sendAndAwaitHeld(() -> chat.chat(CHAT));
      sendAndAwaitHeld(() -> models.send(MODELS));
      list.open();
      assertThat(chat.readUntil("fake OpenRouter."))
          .startsWith("HTTP/1.1 200 ")
          .contains("x-free-llm-proxy-model: " + FIRST);
      assertThat(models.readUntil("}]}")).startsWith("HTTP/1.1 200 ").contains(FIRST);
    }
  }

  @Test
  void holdsABodyThatIsStillComing() throws IOException {
    String body = CHAT + " ".repeat(1 << 20);
    try (var chat = connect()) {
      sendAndAwaitHeld(
          () -> chat.send(RawConnection.chatHead(body.length()) + body.substring(0, 100_000)));
      list.open();
      chat.send(body.substring(100_000));
      assertThat(chat.readUntil("fake OpenRouter.")).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void saysAtOnceWhatIsWrongWithARequest() throws IOException {
    try (var chat = connect()) {
      String head =
          RawConnection.chatHead(0).replace("Content-Length: 0", "Transfer-Encoding: chunked");
      assertThat(chat.send(head + "xyz\r\n{}\r\n").readAll())
          .startsWith("HTTP/1.1 400 ")
          .contains("bad_request", "chunks");
    }
    assertThat(proxy.post("[]").statusCode()).isEqualTo(400);
  }

  @Test
  void holdsNobodyForLong() throws IOException {
    try (var chat = connect()) {
      sendAndAwaitHeld(() -> chat.chat(CHAT));
      time.advance(Duration.ofSeconds(3));
      assertThat(chat.readUntil("not_ready")).startsWith("HTTP/1.1 503 ").contains("not_ready");
      assertThat(proxy.get("/metrics").body()).contains("freellm_request_duration_seconds_sum 3.0");
      assertThat(proxy.chat().statusCode()).isEqualTo(503);
    }
  }

  @Test
  void asksNobodyForAClientThatHasLeft() throws IOException {
    int timers;
    try (var chat = connect()) {
      timers = time.pendingTimers();
      chat.chat(CHAT);
    }
    // The one that watched the connection, on which the request came before its end.
    time.awaitFewerTimersThan(timers);
    list.open();
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
    assertThat(proxy.sandbox().received()).hasSize(1);
  }

  @Test
  void holdsNothingThatNeedsNoList() {
    assertThat(proxy.get("/ready").statusCode()).isEqualTo(503);
    assertThat(proxy.get("/health").statusCode()).isEqualTo(200);
  }
}

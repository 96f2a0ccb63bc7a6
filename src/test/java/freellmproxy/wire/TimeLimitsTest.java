package freellmproxy.wire;

import static freellmproxy.testing.Events.ROLE;
import static freellmproxy.testing.Events.STOP;
import static freellmproxy.testing.Events.content;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static freellmproxy.testing.TestProxy.THIRD;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.SeveralAddresses;
import freellmproxy.testing.TestProxy;
import freellmproxy.time.VertxTime;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Contract section 8: first with a clock that stands still, then over real time. */
final class TimeLimitsTest {
  /** In some of the tests; waited for exactly, since timers of something else may be shorter. */
  private static final Duration ATTEMPT = Duration.ofSeconds(8);

  private static final String PLAIN = "{\"messages\":[]}";
  private static final String STREAM = "{\"stream\":true,\"messages\":[]}";
  private static final Duration OFTEN = Duration.ofMillis(20);

  private final FakeTime time = new FakeTime();

  @AutoClose
  private final TestProxy proxy =
      TestProxy.startAt(time, "ANSWER_TIMEOUT_SEC", "25", "UPSTREAM_TIMEOUT_SEC", "12");

  static Stream<Arguments> silences() {
    Behaviour head =
        Behaviour.of(
            new Step.Head(200, Map.of("content-type", "text/event-stream")), new Step.Stall());
    Behaviour role = Faults.stream(ROLE, content("a")).upTo(1, new Step.Stall());
    Behaviour halfHead =
        Behaviour.of(new Step.Raw("HTTP/1.1 200 OK\r\n".getBytes(UTF_8)), new Step.Stall());
    return Stream.of(
        Arguments.of("no head, plain", PLAIN, Faults.silence()),
        Arguments.of("no head, stream", STREAM, Faults.silence()),
        Arguments.of("half a head, plain", PLAIN, halfHead),
        Arguments.of("head only, stream", STREAM, head),
        Arguments.of("role only", STREAM, role),
        Arguments.of("comments for ever", STREAM, Faults.commentsForEver(OFTEN)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("silences")
  void givesAnAttemptItsTimeAndNoMore(String name, String request, Behaviour silence)
      throws IOException {
    var asked = new Gate();
    proxy.sandbox().script(FIRST, silence.after(new Step.Hold(asked)));
    asked.open();
    try (var client = RawConnection.to(proxy.port()).chat(request)) {
      TestProxy.await(asked.reached());
      time.awaitTimerWithin(Duration.ofSeconds(12));
      time.advance(Duration.ofSeconds(12));
      assertThat(client.readUntil("fake OpenRouter."))
          .contains("x-free-llm-proxy-model: " + SECOND, "x-free-llm-proxy-attempts: 2");
    }
    TestProxy.await(proxy.sandbox().received().getFirst().aborted());
  }

  @Test
  void waitsLongerForAPlainAnswerThatHasBegun() throws IOException {
    var begin = new Gate();
    proxy.sandbox().script(FIRST, Faults.paddingForEver(OFTEN).after(new Step.Hold(begin)));
    try (var client = RawConnection.to(proxy.port()).chat(PLAIN)) {
      TestProxy.await(begin.reached());
      time.awaitTimerWithin(Duration.ofSeconds(12));
      long looks = time.looks();
      begin.open();
      // The limit for the head gives way to the longer one for the whole answer.
      time.awaitLookAfter(looks);
      time.advance(Duration.ofSeconds(24));
      assertThat(proxy.sandbox().received()).hasSize(1);
      time.advance(Duration.ofSeconds(1));
      assertThat(client.readUntil("fake OpenRouter.")).contains(SECOND);
    }
  }

  @Test
  void countsASlowUploadAsTimeOfTheRequestButNotOfTheSearch() throws IOException {
    try (var limited =
            TestProxy.startAt(time, "UPSTREAM_TIMEOUT_SEC", "10", "REQUEST_DEADLINE_SEC", "30");
        var client = RawConnection.to(limited.port())) {
      limited.sandbox().script(FIRST, Faults.error(502, "x"));
      client.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n").readUntil("}");
      int timers = time.pendingTimers();
      String stream = STREAM.replace("{", "{" + " ".repeat(20_000));
      client.send(RawConnection.chatHead(stream.length()) + stream.substring(0, 19_000));
      time.awaitMoreTimersThan(timers);
      time.advance(Duration.ofSeconds(29));
      long looks = time.looks();
      client.send(stream.substring(19_000, 19_001));
      time.awaitLookAfter(looks);
      time.advance(Duration.ofSeconds(11));
      client.send(stream.substring(19_001));
      assertThat(client.readUntil("[DONE]")).contains(" 200 ", SECOND);
      assertThat(limited.settledMetrics())
          .contains(
              "freellm_request_duration_seconds_sum 40.0",
              "freellm_time_to_first_event_seconds_sum 40.0",
              "freellm_overhead_seconds_sum 0.0");
    }
  }

  @Test
  void stopsLookingAtTheDeadline() throws IOException {
    try (var limited = withDeadline(17);
        var client = RawConnection.to(limited.port())) {
      Gate first = silent(limited, FIRST);
      Gate second = silent(limited, SECOND);
      Gate third = silent(limited, THIRD);
      client.chat(PLAIN);
      letPass(ATTEMPT, first);
      letPass(ATTEMPT, second);
      letPass(Duration.ofSeconds(1), third);
      assertThat(client.readUntil("}}"))
          .contains(" 503 ", "x-free-llm-proxy-attempts: 3", "all_models_unavailable");
    }
  }

  @ParameterizedTest
  @CsvSource({"9, ' 200 ', 2", "8, ' 503 ', 1"})
  void startsNoAttemptWithLessThanASecondLeft(int deadline, String status, int attempts)
      throws IOException {
    try (var limited = withDeadline(deadline);
        var client = RawConnection.to(limited.port())) {
      Gate first = silent(limited, FIRST);
      client.chat(PLAIN);
      letPass(ATTEMPT, first);
      assertThat(client.readUntil("}}")).contains(status, "x-free-llm-proxy-attempts: " + attempts);
    }
  }

  private TestProxy withDeadline(int seconds) {
    String attempt = "" + ATTEMPT.toSeconds();
    return TestProxy.startAt(
        time, "UPSTREAM_TIMEOUT_SEC", attempt, "REQUEST_DEADLINE_SEC", "" + seconds);
  }

  /** Makes a model say nothing; the gate is reached when it is asked. */
  private static Gate silent(TestProxy proxy, String model) {
    var asked = new Gate();
    proxy.sandbox().script(model, Behaviour.of(new Step.Hold(asked)));
    return asked;
  }

  /** Not before the model is asked: the limit of an attempt begins anew when it is sent. */
  private void letPass(Duration limit, Gate asked) {
    TestProxy.await(asked.reached());
    time.awaitTimerBetween(limit, limit);
    time.advance(limit);
  }

  @Test
  void waitsNotLongForTheEndMarkerOfACompleteStream() throws IOException {
    proxy.sandbox().script(FIRST, Faults.stream(content("all"), STOP).upTo(2, new Step.Stall()));
    try (var client = RawConnection.to(proxy.port()).chat(STREAM)) {
      assertThat(client.readUntil("\"stop\"")).doesNotContain("[DONE]");
      time.awaitTimerBetween(Duration.ofSeconds(10), Duration.ofSeconds(10));
      time.advance(Duration.ofSeconds(10));
      assertThat(client.readUntil("[DONE]")).contains("[DONE]").doesNotContain("error");
    }
  }

  @Test
  void doesNotLimitAStreamThatKeepsSending() throws IOException {
    var gates = Stream.generate(Gate::new).limit(8).toList();
    Step[] steps = new Step[2 * gates.size() + 3];
    steps[0] = new Step.Head(200, Map.of("content-type", "text/event-stream"));
    for (int i = 0; i < gates.size(); i++) {
      steps[2 * i + 1] = new Step.Write(content("piece" + i).getBytes(UTF_8));
      steps[2 * i + 2] = new Step.Hold(gates.get(i));
    }
    steps[steps.length - 2] = new Step.Write("data: [DONE]\n\n".getBytes(UTF_8));
    steps[steps.length - 1] = new Step.End();
    proxy.sandbox().script(FIRST, Behaviour.of(steps));
    try (var client = RawConnection.to(proxy.port()).chat(STREAM)) {
      for (int i = 0; i < gates.size(); i++) {
        client.readUntil("piece" + i);
        time.advance(Duration.ofSeconds(50));
        gates.get(i).open();
      }
      assertThat(client.readUntil("[DONE]")).doesNotContain("error");
    }
  }

  @Test
  void movesOnWhenConnectingTakesTooLong() throws IOException {
    // A server that takes the connection and never says a word of TLS.
    try (var mute = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        var slow =
            TestProxy.startAt(
                time,
                "UPSTREAM_BASE_URL",
                "https://127.0.0.1:" + mute.getLocalPort() + "/v1",
                "MAX_FALLBACK_ATTEMPTS",
                "1");
        var client = RawConnection.to(slow.port()).chat(PLAIN)) {
      time.awaitTimerWithin(Duration.ofSeconds(5));
      time.advance(Duration.ofSeconds(5));
      assertThat(client.readUntil("}}")).contains("503", "nothing answers at");
    }
  }

  @Test
  void doesNotWaitForANameServerThatIsSilent() {
    assertConnectLimit(ProxyVertx.create(), "http://" + SeveralAddresses.SILENT + "/v1");
  }

  @Test
  void doesNotWaitForAServerThatTakesNoConnection() throws IOException {
    try (var full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      var waiting = new ArrayList<Socket>();
      try {
        // Linux takes one connection more than asked for, then leaves the next one's SYN unheard.
        waiting.add(new Socket(full.getInetAddress(), full.getLocalPort()));
        waiting.add(new Socket(full.getInetAddress(), full.getLocalPort()));
        assertConnectLimit(ProxyVertx.create(), "http://127.0.0.1:" + full.getLocalPort() + "/v1");
      } finally {
        for (Socket each : waiting) {
          each.close();
        }
      }
    }
  }

  @Test
  void doesNotWaitForAServerThatIsSilentInTls() throws IOException {
    try (var mute = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      assertConnectLimit(ProxyVertx.create(), "https://127.0.0.1:" + mute.getLocalPort() + "/v1");
    }
  }

  /** In real time; the limit of the attempt is far longer. */
  private static void assertConnectLimit(Vertx vertx, String upstream) {
    String[] settings = {
      "UPSTREAM_BASE_URL", upstream, "CONNECT_TIMEOUT_SEC", "1", "MAX_FALLBACK_ATTEMPTS", "1"
    };
    try (var slow =
        TestProxy.start(
            vertx, new VertxTime(vertx), SandboxUpstream.Options.FOR_TESTS, sandbox -> settings)) {
      long start = System.nanoTime();
      HttpResponse<String> answer = slow.chat();
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.body()).contains("nothing answers at");
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isBetween(Duration.ofMillis(900), Duration.ofSeconds(20));
    }
  }

  @Test
  void keepsItsLimitsInRealTimeToo() {
    try (var real =
        TestProxy.start(
            "UPSTREAM_TIMEOUT_SEC",
            "1",
            "STREAM_IDLE_TIMEOUT_SEC",
            "1",
            "ANSWER_TIMEOUT_SEC",
            "1")) {
      real.sandbox().script(FIRST, Faults.silence());
      real.sandbox().script(SECOND, Faults.paddingForEver(OFTEN));
      HttpResponse<String> plain = real.chat();
      assertThat(plain.headers().firstValue("x-free-llm-proxy-model")).hasValue(THIRD);
      real.sandbox().script(THIRD, Faults.commentsForEver(OFTEN), ChatAnswer.standard());
      HttpResponse<String> stream = real.stream();
      assertThat(stream.headers().firstValue("x-free-llm-proxy-attempts")).hasValue("2");
      real.sandbox().scriptOthers(Faults.stream(ROLE, content("a")).upTo(2, new Step.Stall()));
      assertThat(real.stream().body()).contains("stream_stalled").endsWith("data: [DONE]\n\n");
    }
  }
}

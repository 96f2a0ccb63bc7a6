package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.ReceivedRequest;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What is done where nobody else is left to ask, and how soon a model that failed is tried again
 * while another serves (contract sections 5 and 8).
 */
final class LastCandidateTest {
  private static final String STREAM = CHAT.replaceFirst("\\{", "{\"stream\":true,");
  private static final Duration ATTEMPT = Duration.ofSeconds(30);

  private final FakeTime time = new FakeTime();

  private TestProxy start(List<String> models, String... settings) {
    return TestProxy.startListing(time, models, settings);
  }

  private void letPass(Duration limit) {
    time.awaitTimerBetween(limit, limit);
    time.advance(limit);
  }

  @ParameterizedTest
  @ValueSource(strings = {CHAT, "stream"})
  void isWaitedForBeyondTheLimitOfAnAttempt(String request) throws IOException {
    var slow = new Gate();
    try (var proxy = start(List.of(FIRST));
        var client = RawConnection.to(proxy.port())) {
      proxy.sandbox().script(FIRST, ChatAnswer.standard().after(new Step.Hold(slow)));
      client.chat(request.equals("stream") ? STREAM : request);
      TestProxy.await(slow.reached());
      letPass(ATTEMPT);
      Duration left = Duration.ofSeconds(110).minus(ATTEMPT);
      time.awaitTimerBetween(left, left);
      time.advance(left.minusSeconds(1));
      slow.open();
      assertThat(client.readUntil("fake OpenRouter."))
          .contains("HTTP/1.1 200 ", "x-free-llm-proxy-attempts: 1");
    }
  }

  @Test
  void isNotWaitedForBeyondTheDeadline() throws IOException {
    var silent = new Gate();
    try (var proxy = start(List.of(FIRST));
        var client = RawConnection.to(proxy.port())) {
      proxy.sandbox().script(FIRST, Behaviour.of(new Step.Hold(silent)));
      client.chat(CHAT);
      TestProxy.await(silent.reached());
      letPass(ATTEMPT);
      letPass(Duration.ofSeconds(110).minus(ATTEMPT));
      assertThat(client.readUntil("}}")).contains(" 503 ", "all_models_unavailable");
    }
  }

  @Test
  void isAlsoTheOneThatTakesTheLastCall() throws IOException {
    var slow = new Gate();
    try (var proxy = start(List.of(FIRST, SECOND), "MAX_FALLBACK_ATTEMPTS", "1");
        var client = RawConnection.to(proxy.port())) {
      proxy.sandbox().script(FIRST, ChatAnswer.standard().after(new Step.Hold(slow)));
      client.chat(CHAT);
      TestProxy.await(slow.reached());
      letPass(ATTEMPT);
      Duration left = Duration.ofSeconds(110).minus(ATTEMPT);
      time.awaitTimerBetween(left, left);
      slow.open();
      assertThat(client.readUntil("fake OpenRouter.")).contains("x-free-llm-proxy-model: " + FIRST);
    }
  }

  @Test
  void givesWayToOneWhoseRestEndsMeanwhile() throws IOException {
    var silent = new Gate();
    try (var proxy = start(List.of(FIRST, SECOND));
        var client = RawConnection.to(proxy.port())) {
      proxy.sandbox().script(SECOND, hinted(503, 40), ChatAnswer.standard());
      // The best one is away, so that the other one fails and rests.
      proxy.sandbox().script(FIRST, Faults.error(400, "x is not a valid model ID"));
      assertThat(proxy.chat().statusCode()).isEqualTo(503);
      TestProxy.await(proxy.proxy().readList());
      proxy.sandbox().script(FIRST, Behaviour.of(new Step.Hold(silent)));
      client.chat(CHAT);
      TestProxy.await(silent.reached());
      letPass(ATTEMPT);
      letPass(Duration.ofSeconds(10));
      assertThat(client.readUntil("fake OpenRouter."))
          .contains("x-free-llm-proxy-model: " + SECOND, "x-free-llm-proxy-attempts: 2");
    }
  }

  static Stream<Arguments> guesses() {
    return Stream.of(
        Arguments.of("429", Faults.error(429, "slow down")),
        Arguments.of("503", Faults.error(503, "No backends available")),
        Arguments.of("500", Faults.error(500, "oops")),
        Arguments.of("HTML with 200", Faults.html(200)),
        Arguments.of("RST", Faults.reset()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("guesses")
  void isAskedOnceMoreWhenNobodySaidHowLongItHasToRest(String name, Behaviour failure) {
    try (var proxy = start(List.of(FIRST), "SAME_MODEL_RETRIES", "0")) {
      proxy.sandbox().script(FIRST, failure, ChatAnswer.standard());
      assertThat(proxy.chat().statusCode()).isEqualTo(503);
      assertThat(proxy.chat().statusCode()).isEqualTo(200);
      assertThat(proxy.chat().statusCode()).isEqualTo(200);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("guesses")
  void isAskedOnceMoreOnly(String name, Behaviour failure) {
    try (var proxy = start(List.of(FIRST), "SAME_MODEL_RETRIES", "0")) {
      proxy.sandbox().script(FIRST, failure);
      for (int i = 0; i < 5; i++) {
        assertThat(proxy.chat().statusCode()).isEqualTo(503);
      }
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-attempts")).hasValue("0");
      assertThat(models(proxy).stream().distinct()).containsExactly(FIRST);
      // A connection that was used before is tried anew, which is no call.
      assertThat(proxy.sandbox().received().size()).isBetween(2, 3);
    }
  }

  /** One asks it early, and whoever comes meanwhile waits for the answer. */
  @Test
  void isAwaitedByOthersWhileOneAsksItOnceMore() throws IOException {
    var slow = new Gate();
    try (var proxy = start(List.of(FIRST), "SAME_MODEL_RETRIES", "0")) {
      proxy
          .sandbox()
          .script(
              FIRST,
              Faults.error(500, "oops"),
              ChatAnswer.standard().after(new Step.Hold(slow)),
              ChatAnswer.standard());
      assertThat(proxy.chat().statusCode()).isEqualTo(503);
      Duration deadline = Duration.ofSeconds(110);
      try (var early = RawConnection.to(proxy.port()).chat(CHAT)) {
        TestProxy.await(slow.reached());
        long timers = time.timersIn(deadline);
        try (var other = RawConnection.to(proxy.port()).chat(CHAT)) {
          time.awaitMoreTimersIn(deadline, timers);
          assertThat(proxy.sandbox().received()).hasSize(2);
          slow.open();
          assertThat(early.readUntil("fake OpenRouter.")).startsWith("HTTP/1.1 200 ");
          assertThat(other.readUntil("fake OpenRouter.")).startsWith("HTTP/1.1 200 ");
        }
      }
    }
  }

  static Stream<Behaviour> certainties() {
    return Stream.of(
        hinted(429, 50), hinted(503, 50), Faults.error(404, "No endpoints found for x:free."));
  }

  @ParameterizedTest
  @MethodSource("certainties")
  void isLeftAloneWhenTheUpstreamSaidForHowLong(Behaviour failure) {
    try (var proxy = start(List.of(FIRST))) {
      proxy.sandbox().script(FIRST, failure, ChatAnswer.standard());
      assertThat(proxy.chat().statusCode()).isEqualTo(503);
      HttpResponse<String> resting = proxy.chat();
      assertThat(resting.statusCode()).isEqualTo(503);
      assertThat(resting.headers().firstValue("x-free-llm-proxy-attempts")).hasValue("0");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {31, 59, 65, 95, 200, 3_000})
  void servesAgainHalfAMinuteAfterItsOutageAtTheLatest(int outageSeconds) {
    try (var proxy = start(List.of(FIRST, SECOND))) {
      proxy.sandbox().script(FIRST, Faults.error(500, "oops"));
      for (int second = 0; second < outageSeconds; second += 5) {
        assertThat(answeredBy(proxy)).isEqualTo(SECOND);
        time.advance(Duration.ofSeconds(5));
      }
      proxy.sandbox().unscript(FIRST);
      time.advance(Duration.ofSeconds(30));
      assertThat(answeredBy(proxy)).isEqualTo(FIRST);
    }
  }

  @Test
  void costsOneCallEveryHalfMinuteWhileAnotherServes() {
    try (var proxy = start(List.of(FIRST, SECOND))) {
      proxy.sandbox().script(FIRST, Faults.error(500, "oops"));
      answeredBy(proxy);
      proxy.sandbox().clearReceived();
      for (int second = 0; second < 120; second++) {
        time.advance(Duration.ofSeconds(1));
        assertThat(answeredBy(proxy)).isEqualTo(SECOND);
      }
      assertThat(models(proxy).stream().filter(FIRST::equals)).hasSize(4);
    }
  }

  /** Otherwise the first request after a great outage would spend all its calls on it. */
  @Test
  void onlyOneIsTriedEarlyByARequest() {
    List<String> models = List.of("a/a:free", "a/b:free", "a/c:free", "a/d:free", SECOND);
    try (var proxy = start(models)) {
      proxy.sandbox().scriptOthers(Faults.html(200));
      proxy.sandbox().script(SECOND, ChatAnswer.standard());
      assertThat(answeredBy(proxy)).isEqualTo(SECOND);
      time.advance(Duration.ofSeconds(30));
      for (String early : models.subList(0, 4)) {
        proxy.sandbox().clearReceived();
        assertThat(answeredBy(proxy)).isEqualTo(SECOND);
        assertThat(models(proxy)).containsExactly(early, SECOND);
      }
    }
  }

  @Test
  void isNotTriedEarlyWithTheOnlyCallThereIs() {
    try (var proxy = start(List.of(FIRST, SECOND), "MAX_FALLBACK_ATTEMPTS", "1")) {
      proxy.sandbox().script(FIRST, Faults.error(500, "oops"));
      assertThat(proxy.chat().statusCode()).isEqualTo(503);
      time.advance(Duration.ofSeconds(45));
      assertThat(answeredBy(proxy)).isEqualTo(SECOND);
    }
  }

  @Test
  void restsNoLongerThanAMinuteHoweverOftenItFails() {
    try (var proxy = start(List.of(FIRST), "GENERIC_ERROR_COOLDOWN_SEC", "20")) {
      proxy.sandbox().script(FIRST, Faults.html(200));
      proxy.chat();
      for (long rest : List.of(40L, 60L, 60L, 60L)) {
        // Clients take 60 for no wait at all.
        String told = Long.toString(Math.min(rest, 59));
        assertThat(proxy.chat().headers().firstValue("retry-after")).hasValue(told);
        time.advance(Duration.ofSeconds(rest));
      }
    }
  }

  private static Behaviour hinted(int status, int seconds) {
    return Faults.status(
        status, Map.of("Retry-After", "" + seconds), "{\"error\":{\"code\":" + status + "}}");
  }

  private static String answeredBy(TestProxy proxy) {
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer.headers().firstValue("x-free-llm-proxy-model").orElseThrow();
  }

  private static List<String> models(TestProxy proxy) {
    return proxy.sandbox().received().stream().map(ReceivedRequest::model).toList();
  }
}

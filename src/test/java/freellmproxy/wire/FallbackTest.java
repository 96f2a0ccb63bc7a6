package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static freellmproxy.testing.TestProxy.THIRD;
import static java.nio.charset.StandardCharsets.UTF_8;
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
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract section 5: what an upstream answer means. */
final class FallbackTest {
  private static final String ANSWER = "{\"choices\":[{\"message\":{\"content\":\"fine\"}}]}";
  private static final String HEAD_AND_ANSWER =
      "HTTP/1.1 200 OK\r\nContent-Length: " + ANSWER.length() + "\r\n\r\n" + ANSWER;

  private final FakeTime time = new FakeTime();

  @AutoClose private final TestProxy proxy = TestProxy.startAt(time, "SAME_MODEL_RETRIES", "0");

  /**
   * Failures of one model, and how long it is left alone after them while another serves (the fake
   * clock stands still).
   */
  static Stream<Arguments> failuresOfOneModel() {
    return Stream.of(
        Arguments.of("429", Faults.error(429, "slow down"), 300),
        Arguments.of("429 with a hint", hinted(429, "42"), 42),
        Arguments.of("503", Faults.error(503, "No backends available"), 30),
        Arguments.of("503 with a hint", hinted(503, "17"), 17),
        Arguments.of("429, cut in its body", hinted(429, "42").upTo(1, new Step.Fin()), 42),
        Arguments.of("503, cut in its body", hinted(503, "17").upTo(1, new Step.Reset()), 17),
        Arguments.of("500", Faults.error(500, "oops"), 30),
        Arguments.of("502 in HTML", Faults.html(502), 30),
        Arguments.of("524", Faults.error(524, "Request timed out"), 30),
        Arguments.of("529", Faults.error(529, "Provider returned error"), 30),
        Arguments.of("408", Faults.error(408, "Request timed out"), 30),
        Arguments.of("not HTTP", Faults.garbage(), 30),
        Arguments.of("FIN before the head", Faults.hangUp(), 30),
        Arguments.of("RST before the head", Faults.reset(), 30),
        Arguments.of("HTML with 200", Faults.html(200), 30),
        Arguments.of("error in a 200", Faults.status(200, "{\"error\":{\"code\":429}}"), 300),
        Arguments.of("gone", Faults.error(404, "No endpoints found for x:free."), 3600),
        Arguments.of("invalid id", Faults.error(400, "x is not a valid model ID"), 3600),
        Arguments.of(
            "gated", Faults.error(403, "x is only available on agentic harnesses."), 3600));
  }

  private static Behaviour hinted(int status, String retryAfter) {
    return Faults.status(
        status, Map.of("Retry-After", retryAfter), "{\"error\":{\"code\":" + status + "}}");
  }

  private static String accountLimit(long resetMillis) {
    return "{\"error\":{\"message\":\"Rate limit exceeded: free-models-per-day. Add 10 credits\","
        + "\"code\":429,\"metadata\":{\"headers\":{\"X-RateLimit-Reset\":\""
        + resetMillis
        + "\"}}}}";
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("failuresOfOneModel")
  void hidesTheFailureOfAModelAndLetsItRest(String name, Behaviour failure, int restSeconds) {
    proxy.sandbox().script(FIRST, failure, ChatAnswer.standard());
    assertAnsweredBy(proxy.chat(), SECOND, 2);
    assertAnsweredBy(proxy.stream(), SECOND, 1);
    time.advance(Duration.ofSeconds(restSeconds).minusMillis(1));
    assertAnsweredBy(proxy.chat(), SECOND, 1);
    time.advance(Duration.ofMillis(1));
    assertAnsweredBy(proxy.chat(), FIRST, 1);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("failuresOfOneModel")
  void hidesItFromStreamsToo(String name, Behaviour failure, int restSeconds) {
    proxy.sandbox().script(FIRST, failure);
    HttpResponse<String> answer = proxy.stream();
    assertAnsweredBy(answer, SECOND, 2);
    assertThat(answer.headers().firstValue("content-type")).hasValue("text/event-stream");
    assertThat(answer.body()).endsWith("data: [DONE]\n\n").doesNotContain("error");
  }

  @Test
  void passesAnEmptyAnswerOnOnlyWhenEveryModelIsEmpty() {
    proxy.sandbox().script(FIRST, ChatAnswer.empty());
    assertAnsweredBy(proxy.chat(), SECOND, 2);
    assertAnsweredBy(proxy.stream(), SECOND, 2);
    proxy.sandbox().scriptOthers(ChatAnswer.empty());
    HttpResponse<String> plain = proxy.chat();
    assertThat(plain.statusCode()).isEqualTo(200);
    assertThat(plain.body()).contains("\"content\":null");
    HttpResponse<String> stream = proxy.stream();
    assertThat(stream.body())
        .contains("\"finish_reason\":\"stop\"")
        .endsWith("data: [DONE]\n\n")
        .containsOnlyOnce("[DONE]");
    assertThat(stream.headers().firstValue("cache-control")).hasValue("no-cache, no-store");
  }

  /** An agent takes an empty answer for its turn; a 503 it asks again after. */
  @Test
  void passesNoEmptyAnswerOnWhileOthersRest() {
    proxy
        .sandbox()
        .scriptList(
            Faults.status(200, "[{\"id\":\"%s\"},{\"id\":\"%s\"}]".formatted(FIRST, SECOND)));
    proxy.refresh();
    proxy.sandbox().script(FIRST, ChatAnswer.empty());
    proxy.sandbox().script(SECOND, Faults.error(503, "x"));
    assertThat(proxy.chat().statusCode()).isEqualTo(503);
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.statusCode()).isEqualTo(503);
    // The other is asked early, since nobody said how long it has to rest.
    assertThat(answer.headers().firstValue("x-free-llm-proxy-attempts")).hasValue("2");
    assertThat(answer.body()).contains("1 × empty_answer", "1 × upstream_error");
  }

  @Test
  void letsAModelRestAfterThreeEmptyAnswersInARow() {
    proxy.sandbox().script(FIRST, ChatAnswer.empty());
    for (int i = 0; i < 3; i++) {
      assertAnsweredBy(proxy.chat(), SECOND, 2);
    }
    assertAnsweredBy(proxy.chat(), SECOND, 1);
  }

  @Test
  void asksNobodyElseWhenTheAccountIsLimitedUntilItIsNot() {
    long reset = time.instant().plusSeconds(40).toEpochMilli();
    proxy.sandbox().script(FIRST, Faults.status(429, accountLimit(reset)), ChatAnswer.standard());
    for (int i = 0; i < 3; i++) {
      HttpResponse<String> answer = proxy.chat();
      assertThat(answer.statusCode()).isEqualTo(429);
      assertThat(answer.headers().firstValue("retry-after")).hasValue("40");
      assertThat(answer.body()).contains("\"account_rate_limited\"");
    }
    assertThat(proxy.sandbox().received()).hasSize(1);
    assertThat(proxy.get("/ready").statusCode()).isEqualTo(503);
    time.advance(Duration.ofSeconds(40));
    assertAnsweredBy(proxy.chat(), FIRST, 1);
  }

  @Test
  void stopsAtOnceWhenTheUpstreamRefusesItsKey() {
    proxy.sandbox().script(FIRST, Faults.error(401, "No auth credentials found"));
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.statusCode()).isEqualTo(502);
    assertThat(answer.body())
        .contains("upstream_auth_error", "proxy_misconfiguration", "OPENROUTER_API_KEY")
        .contains("...3210 (len=28)")
        .doesNotContain(TestProxy.UPSTREAM_KEY);
    assertThat(answer.headers().firstValue("x-should-retry")).hasValue("false");
    assertThat(proxy.sandbox().received()).hasSize(1);
  }

  @Test
  void stopsAtOnceThoughTheRefusalOfItsKeyIsCut() {
    proxy.sandbox().script(FIRST, Faults.error(401, "x").upTo(1, new Step.Fin()));
    assertThat(proxy.chat().body()).contains("upstream_auth_error");
    assertThat(proxy.sandbox().received()).hasSize(1);
  }

  @Test
  void passesFaultsOfTheRequestOnAsTheyCame() {
    String body = "{ \"error\" : {\"message\":\"Invalid request parameters\",\"code\":400} }";
    proxy.sandbox().script(FIRST, Faults.status(400, body));
    for (HttpResponse<String> answer : List.of(proxy.chat(), proxy.stream())) {
      assertThat(answer.statusCode()).isEqualTo(400);
      assertThat(answer.body()).isEqualTo(body);
      assertThat(answer.headers().firstValue("content-type")).hasValue("application/json");
    }
    assertThat(models(proxy)).containsExactly(FIRST, FIRST);
  }

  @Test
  void remembersThatAModelCannotUseTools() {
    String tools = "{\"tools\":[{}],\"messages\":[]}";
    proxy.sandbox().script(FIRST, Faults.error(404, "No endpoints found that support tool use."));
    assertAnsweredBy(proxy.post(tools), SECOND, 2);
    assertAnsweredBy(proxy.post(tools), SECOND, 1);
    proxy.sandbox().unscript(FIRST);
    assertAnsweredBy(proxy.chat(), FIRST, 1);
  }

  @Test
  void triesOnlyLargerWindowsAfterARefusalForLength() {
    proxy
        .sandbox()
        .scriptOthers(
            Faults.error(400, "This endpoint's maximum context length is 200000 tokens."));
    HttpResponse<String> answer = proxy.chat();
    // Of the six models three have a window of more than 200,000 tokens.
    assertThat(models(proxy)).hasSize(3);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("maximum context length");
  }

  @Test
  void saysWhatHappenedWhenAllModelsFailAndWhenToComeBack() {
    proxy.sandbox().scriptOthers(hinted(503, "30"));
    proxy.sandbox().script(THIRD, Faults.error(500, "x"));
    HttpResponse<String> first = proxy.chat();
    assertThat(first.statusCode()).isEqualTo(503);
    assertThat(first.body()).contains("all_models_unavailable", "5 × upstream_error");
    assertThat(models(proxy)).hasSize(5);
    // The sixth model, and the one that nobody knows how long to leave alone.
    proxy.chat();
    HttpResponse<String> resting = proxy.chat();
    assertThat(resting.statusCode()).isEqualTo(503);
    assertThat(resting.headers().firstValue("retry-after")).hasValue("30");
    assertThat(resting.headers().firstValue("x-free-llm-proxy-attempts")).hasValue("0");
    assertThat(proxy.sandbox().received()).hasSize(7);
  }

  @Test
  void tellsWhichCapabilityIsMissing() {
    proxy
        .sandbox()
        .scriptList(
            Faults.status(
                200,
                "[{\"id\":\"a\",\"supportsTools\":false},{\"id\":\"b\",\"supportsTools\":false}]"));
    TestProxy.await(proxy.proxy().readList());
    HttpResponse<String> answer = proxy.post("{\"tools\":[{}],\"messages\":[]}");
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("no_capable_model", "tools");
    assertThat(answer.headers().firstValue("x-should-retry")).hasValue("false");
    assertThat(proxy.sandbox().received()).isEmpty();
  }

  @Test
  void asksTheSameModelOnceMoreUnlessToldNotTo() {
    try (var retrying = TestProxy.start()) {
      retrying.sandbox().script(FIRST, Faults.error(502, "x"), ChatAnswer.standard());
      assertAnsweredBy(retrying.chat(), FIRST, 2);
    }
  }

  @Test
  void leavesTheLastCallToAnotherModelThanTheOneThatFailed() {
    try (var retrying = TestProxy.start("MAX_FALLBACK_ATTEMPTS", "2")) {
      retrying.sandbox().script(FIRST, Faults.error(502, "x"));
      assertAnsweredBy(retrying.chat(), SECOND, 2);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 2", "3, 3, 2", "4, 0, 2"})
  void waitsOutAShortResetOfAModel(String retryAfter, int pause, int attempts) throws IOException {
    try (var retrying = TestProxy.startAt(time);
        var client = RawConnection.to(retrying.port())) {
      retrying.sandbox().script(FIRST, hinted(429, retryAfter), ChatAnswer.standard());
      client.chat(CHAT);
      if (pause > 0) {
        time.awaitTimerBetween(Duration.ofSeconds(pause), Duration.ofSeconds(pause));
        time.advance(Duration.ofSeconds(pause));
      }
      assertThat(client.readUntil("fake OpenRouter."))
          .contains("-proxy-model: " + (pause > 0 ? FIRST : SECOND), "-attempts: " + attempts);
    }
  }

  @Test
  void asksNobodyOnceMoreWhenTheAccountIsLimitedMeanwhile() throws IOException {
    try (var retrying = TestProxy.startAt(time, "SAME_MODEL_RETRIES", "1");
        var client = RawConnection.to(retrying.port())) {
      retrying.sandbox().script(FIRST, hinted(429, "2"));
      long reset = time.instant().plusSeconds(50).toEpochMilli();
      retrying.sandbox().script(SECOND, Faults.status(429, accountLimit(reset)));
      client.chat(CHAT);
      Duration pause = Duration.ofSeconds(2);
      time.awaitTimerBetween(pause, pause);
      assertThat(retrying.chat().statusCode()).isEqualTo(429);
      time.advance(pause);
      assertThat(client.readUntil("}}")).contains("account_rate_limited", "retry-after: 48");
      assertThat(models(retrying)).containsExactly(FIRST, SECOND);
    }
  }

  @Test
  void retriesAStaleConnectionOnceWithoutBlamingTheModel() {
    // The sandbox answers, and then closes the connection at the next request.
    assertAnsweredBy(proxy.chat(), FIRST, 1);
    Behaviour good = ChatAnswer.standard();
    proxy.sandbox().script(FIRST, Behaviour.of(new Step.Fin()), good);
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.statusCode()).isEqualTo(200);
  }

  @Test
  void takesHangingUpAfterSomeWorkForAFailureOfTheModel() throws IOException {
    var work = new Gate();
    try (var client = RawConnection.to(proxy.port())) {
      // Requests on one connection are served by one event loop with one pool.
      client.chat(CHAT).readUntil("fake OpenRouter.");
      proxy.sandbox().script(FIRST, Behaviour.of(new Step.Hold(work), new Step.Reset()));
      client.chat(CHAT);
      TestProxy.await(work.reached());
      time.advance(Duration.ofSeconds(1));
      work.open();
      assertThat(client.readUntil("fake OpenRouter."))
          .contains("x-free-llm-proxy-model: " + SECOND, "x-free-llm-proxy-attempts: 2");
    }
    assertThat(models(proxy)).containsExactly(FIRST, FIRST, SECOND);
  }

  @Test
  void triesAStaleConnectionAgainOnlyOnceInARequest() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.chat(CHAT).readUntil("}}");
      proxy.sandbox().scriptOthers(Faults.hangUp());
      assertThat(client.chat(CHAT).readUntil("}}"))
          .contains(" 503 ", "all_models_unavailable", "x-free-llm-proxy-attempts: 5");
      assertThat(models(proxy)).startsWith(FIRST, FIRST, FIRST, SECOND).hasSize(1 + 5 + 1);
    }
  }

  @Test
  void waitsForTheAnswerThatFollowsAnInterimOne() {
    proxy
        .sandbox()
        .script(
            FIRST,
            Behaviour.of(
                new Step.Raw("HTTP/1.1 102 Processing\r\n\r\n".getBytes(UTF_8)),
                new Step.Raw(HEAD_AND_ANSWER.getBytes(UTF_8))));
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.body()).isEqualTo(ANSWER);
    assertThat(answer.headers().map()).containsEntry("x-free-llm-proxy-attempts", List.of("1"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"]", "}\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5"})
  void takesNothingBehindAnAnswerForTheNext(String behind) throws IOException {
    proxy
        .sandbox()
        .script(FIRST, Behaviour.of(new Step.Raw((HEAD_AND_ANSWER + behind).getBytes(UTF_8))));
    try (var client = RawConnection.to(proxy.port())) {
      for (int i = 0; i < 3; i++) {
        assertThat(client.chat(CHAT).readUntil("]}"))
            .endsWith(ANSWER)
            .contains("x-free-llm-proxy-model: " + FIRST, "x-free-llm-proxy-attempts: 1");
      }
    }
  }

  @Test
  void forgetsAFailureThatTheSameModelMadeGood() {
    try (var retrying = TestProxy.start("SAME_MODEL_RETRIES", "1")) {
      retrying
          .sandbox()
          .script(
              FIRST,
              Faults.error(502, "x"),
              ChatAnswer.standard(),
              Faults.status(200, "{\"error\":{\"code\":502,\"message\":\"x\"}}"),
              ChatAnswer.standard());
      assertAnsweredBy(retrying.chat(), FIRST, 2);
      assertAnsweredBy(retrying.chat(), FIRST, 2);
      assertAnsweredBy(retrying.chat(), FIRST, 1);
    }
  }

  @Test
  void passesTheRefusalOnWhenAsManyAsMayBeAskedRefuse() {
    String refusal = "No endpoints found that can handle the requested parameters.";
    proxy.sandbox().scriptOthers(Faults.error(404, refusal));
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.body()).contains(refusal);
    assertThat(proxy.sandbox().received()).hasSize(5);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "No allowed providers are available for the selected model.",
        "No endpoints found that support tool use."
      })
  void blamesNoModelForTheProvidersARequestAskedFor(String refusal) {
    proxy.sandbox().scriptOthers(Faults.error(404, refusal));
    String request = "{\"tools\":[{}],\"messages\":[]%s}";
    assertThat(proxy.post(request.formatted(",\"provider\":{\"only\":[\"x\"]}")).statusCode())
        .isEqualTo(404);
    proxy.sandbox().scriptOthers(ChatAnswer.standard());
    assertAnsweredBy(proxy.post(request.formatted("")), FIRST, 1);
  }

  @Test
  void answersOthersWhileTheFirstAnswerAfterTheAccountsLimitIsStillOut() throws IOException {
    long reset = time.instant().plusSeconds(90).toEpochMilli();
    var slow = new Gate();
    proxy
        .sandbox()
        .script(
            FIRST,
            Faults.status(429, accountLimit(reset)),
            ChatAnswer.standard().after(new Step.Hold(slow)),
            ChatAnswer.standard());
    assertThat(proxy.chat().statusCode()).isEqualTo(402);
    time.advance(Duration.ofSeconds(90));
    try (var first = RawConnection.to(proxy.port()).chat(CHAT)) {
      TestProxy.await(slow.reached());
      assertAnsweredBy(proxy.chat(), FIRST, 1);
      slow.open();
      assertThat(first.readUntil("fake OpenRouter.")).startsWith("HTTP/1.1 200");
    }
  }

  @Test
  void readsALongResponseHead() {
    String policy = "x".repeat(20_000);
    proxy
        .sandbox()
        .script(
            FIRST,
            Faults.status(
                200,
                Map.of("content-security-policy", policy),
                "{\"choices\":[{\"message\":{\"content\":\"by " + FIRST + "\"}}]}"));
    assertAnsweredBy(proxy.chat(), FIRST, 1);
  }

  @Test
  void takesTheHintOfAStreamsHeadForTheErrorItBeginsWith() {
    proxy
        .sandbox()
        .script(
            FIRST,
            Faults.status(
                200,
                Map.of("content-type", "text/event-stream", "retry-after", "120"),
                "data: {\"error\":{\"code\":429,\"message\":\"slow down\"}}\n\n"));
    assertAnsweredBy(proxy.stream(), SECOND, 2);
    proxy.sandbox().unscript(FIRST);
    time.advance(Duration.ofSeconds(119));
    assertAnsweredBy(proxy.chat(), SECOND, 1);
    time.advance(Duration.ofSeconds(1));
    assertAnsweredBy(proxy.chat(), FIRST, 1);
  }

  private static void assertAnsweredBy(HttpResponse<String> answer, String model, int attempts) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-free-llm-proxy-model")).hasValue(model);
    assertThat(answer.headers().firstValue("x-free-llm-proxy-attempts"))
        .hasValue(Integer.toString(attempts));
    assertThat(answer.body()).contains(model);
  }

  private static List<String> models(TestProxy proxy) {
    return proxy.sandbox().received().stream().map(ReceivedRequest::model).toList();
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.ReceivedRequest;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract section 5: whose fault a refusal is, and who hears of it. */
final class HostRefusalTest {
  private final FakeTime time = new FakeTime();

  @AutoClose private final TestProxy proxy = TestProxy.startAt(time);

  private static Behaviour refusal(int status, String raw) {
    return Faults.status(
        status,
        ("{\"error\":{\"message\":\"Provider returned error\",\"code\":%d,"
                + "\"metadata\":{\"provider_name\":\"P\",\"raw\":\"%s\"}}}")
            .formatted(status, raw));
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 406, 409, 413, 422, 425})
  void hidesThatAHostCannotDoARequestAndBlamesNoModel(int status) {
    proxy.sandbox().script(FIRST, refusal(status, "max_tokens must be at most 8192"));
    assertAnsweredBy(proxy.chat(), SECOND, 2);
    assertAnsweredBy(proxy.stream(), SECOND, 2);
    proxy.sandbox().unscript(FIRST);
    assertAnsweredBy(proxy.chat(), FIRST, 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 402, 403, 404, 410})
  void letsAModelRestUntilTheNextListWhoseHostServesNobody(int status) {
    proxy.sandbox().script(FIRST, refusal(status, "no"), ChatAnswer.standard());
    assertAnsweredBy(proxy.chat(), SECOND, 2);
    assertAnsweredBy(proxy.stream(), SECOND, 1);
    time.advance(Duration.ofHours(1));
    assertAnsweredBy(proxy.chat(), FIRST, 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 404, 409, 410, 422})
  void passesTheFirstRefusalOnAsItCameWhereAllHostsRefuse(int status) {
    proxy.sandbox().scriptOthers(refusal(422, "the others"));
    proxy.sandbox().script(FIRST, refusal(status, "the first"));
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(answer.body()).contains("the first").doesNotContain("the others");
    assertThat(answer.headers().firstValue("x-free-llm-proxy-model")).hasValue(FIRST);
    assertThat(answer.headers().firstValue("x-free-llm-proxy-attempts")).hasValue("5");
  }

  @Test
  void blamesNoModelForAHostThatTheRequestChose() {
    proxy.sandbox().script(FIRST, refusal(404, "no"), ChatAnswer.standard());
    String chosen = "{\"messages\":[],\"provider\":{\"only\":[\"p\"]}}";
    assertAnsweredBy(proxy.post(chosen), SECOND, 2);
    assertAnsweredBy(proxy.chat(), FIRST, 1);
  }

  /** The hint in the host's own words, with a rate limit under another status. */
  @ParameterizedTest
  @CsvSource({
    "400, '{\"error\":{\"code\":429,\"message\":\"Please try again in 1m30s.\"}}'",
    "413, '{\"error\":{\"code\":\"rate_limit_exceeded\",\"retry_after\":90}}'",
    "403, '{\"error\":{\"message\":\"Rate limit exceeded. Retry after 90 seconds\"}}'",
    "400, 'data: {\"error\":{\"code\":429,\"details\":[{\"retryDelay\":\"90s\"}]}}'",
  })
  void takesARateLimitForOneUnderWhateverStatus(int status, String body) {
    proxy.sandbox().script(FIRST, Faults.status(status, body), ChatAnswer.standard());
    assertAnsweredBy(proxy.chat(), SECOND, 2);
    time.advance(Duration.ofSeconds(89));
    assertAnsweredBy(proxy.stream(), SECOND, 1);
    time.advance(Duration.ofSeconds(1));
    assertAnsweredBy(proxy.chat(), FIRST, 1);
  }

  @Test
  void saysThatAPageBarsTheWayWhereAllModelsGetOne() {
    proxy.sandbox().scriptOthers(Faults.html(403));
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.statusCode()).isEqualTo(503);
    assertThat(answer.body())
        .contains("all_models_unavailable", "a web page instead of an answer: sandbox");
  }

  @ParameterizedTest
  @CsvSource({
    "403, Key limit exceeded (total limit), key_limit_exceeded, openrouter.ai/settings/keys",
    "402, create a key with a higher monthly limit, key_limit_exceeded, spending limit",
    "402, Insufficient credits, insufficient_balance, openrouter.ai/settings/credits",
  })
  void namesTheLimitOfTheAccountAndWhereToChangeIt(
      int status, String said, String code, String help) {
    proxy.sandbox().script(FIRST, Faults.error(status, said));
    for (HttpResponse<String> answer : List.of(proxy.chat(), proxy.stream())) {
      assertThat(answer.statusCode()).isEqualTo(402);
      assertThat(answer.body())
          .contains(code, help, "The upstream said: " + said)
          .doesNotContain(TestProxy.UPSTREAM_KEY);
      assertThat(answer.headers().firstValue("x-should-retry")).hasValue("false");
    }
    assertThat(proxy.sandbox().received()).hasSize(2);
    proxy.sandbox().unscript(FIRST);
    assertAnsweredBy(proxy.chat(), FIRST, 1);
  }

  @Test
  void tellsTheOperatorInTheUpstreamsWordsWhyTheKeyIsRefused() {
    proxy.sandbox().script(FIRST, Faults.error(401, "User not found: " + TestProxy.UPSTREAM_KEY));
    assertThat(proxy.chat().body())
        .contains("The upstream said: User not found: ...3210 (len=28)")
        .doesNotContain(TestProxy.UPSTREAM_KEY);
  }

  @Test
  void logsWhatTheUpstreamSaysOfAFaultButNothingThatMayQuoteAPrompt() throws IOException {
    try (var process =
        ProxyProcessUnderTest.start(ProxyProcessUnderTest.environment(proxy.sandbox()))) {
      int port = process.awaitEvent("started").path("port").asInt();
      process.awaitEvent("snapshot_refreshed");
      String control = "\\u001b[31m\\nslow\\u202e down " + "x".repeat(300);
      assertThat(said(process, port, refusal(429, control)))
          .startsWith("Provider returned error: [31m slow down xxx")
          .hasSize(200);
      assertThat(said(process, port, Faults.error(503, "No backends"))).isEqualTo("No backends");
      assertThat(said(process, port, Faults.error(403, "Key limit " + TestProxy.UPSTREAM_KEY)))
          .isEqualTo("Key limit ...3210 (len=28)");
      for (Behaviour quoting :
          List.of(
              refusal(400, "my prompt"),
              Faults.error(400, "my prompt is bad"),
              Faults.error(502, "Unexpected token: my prompt"),
              Faults.error(400, "prompt is too long: my prompt"),
              Faults.status(
                  403,
                  "{\"error\":{\"message\":\"my prompt\",\"metadata\":{\"flagged_input\":\"my"
                      + " prompt\"}}}"))) {
        assertThat(said(process, port, quoting)).isEmpty();
      }
      assertThat(process.stop()).isZero();
      assertThat(process.output()).doesNotContain("my prompt", TestProxy.UPSTREAM_KEY);
    }
  }

  private String said(ProxyProcessUnderTest process, int port, Behaviour fault) throws IOException {
    proxy.sandbox().scriptOthers(fault);
    process.chat(port, "{\"messages\":[\"my prompt\"]}");
    JsonNode attempt = process.awaitEvent("request_done").path("attempts").path(0);
    process.refresh(port);
    return attempt.path("upstream_message").asText();
  }

  private static void assertAnsweredBy(HttpResponse<String> answer, String model, int attempts) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-free-llm-proxy-model")).hasValue(model);
    assertThat(answer.headers().firstValue("x-free-llm-proxy-attempts"))
        .hasValue(Integer.toString(attempts));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "maximum context length is 8 tokens"})
  void triesOneModelOfUnknownSizeAfterARefusalForLength(String named) {
    proxy
        .sandbox()
        .scriptList(Faults.status(200, "[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]"));
    proxy.refresh();
    proxy.sandbox().scriptOthers(Faults.error(400, "prompt is too long. " + named));
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(proxy.sandbox().received().stream().map(ReceivedRequest::model))
        .containsExactly("a", "b");
    proxy.sandbox().script("b", ChatAnswer.standard());
    assertAnsweredBy(proxy.stream(), "b", 2);
  }
}

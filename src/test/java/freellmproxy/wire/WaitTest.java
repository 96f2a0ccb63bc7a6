package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static freellmproxy.testing.TestProxy.THIRD;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.TestProxy;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients are told when nobody can answer now: how long to wait, or to stop, and why. */
final class WaitTest {
  private final FakeTime time = new FakeTime();

  @AutoClose private final TestProxy proxy = TestProxy.startAt(time, "SAME_MODEL_RETRIES", "0");

  private void limitAccount(String limit, Duration wait) {
    long reset = time.instant().plus(wait).toEpochMilli();
    proxy
        .sandbox()
        .scriptOthers(
            Faults.status(
                429,
                "{\"error\":{\"message\":\"Rate limit exceeded: "
                    + limit
                    + "\",\"code\":429,\"metadata\":{\"headers\":{\"X-RateLimit-Reset\":\""
                    + reset
                    + "\"}}}}"));
  }

  private static String header(HttpResponse<?> answer, String name) {
    return answer.headers().firstValue(name).orElse("");
  }

  @ParameterizedTest
  @ValueSource(longs = {61, 300, 18_720, 32_400, 86_000})
  void tellsAClientToStopWhenTheAccountIsHeldForLongerThanItSitsOut(long seconds) {
    limitAccount("free-models-per-day.", Duration.ofSeconds(seconds));
    for (int i = 0; i < 2; i++) {
      HttpResponse<String> answer = i == 0 ? proxy.stream() : proxy.chat();
      assertThat(answer.statusCode()).isEqualTo(402);
      assertThat(header(answer, "x-should-retry")).isEqualTo("false");
      assertThat(header(answer, "retry-after") + header(answer, "retry-after-ms")).isEmpty();
      assertThat(answer.body())
          .contains("\"code\":\"account_quota_exceeded\"", "\"type\":\"insufficient_quota\"")
          // Qwen Code stops after these words.
          .contains("exceeded its quota", "will reset at ")
          // opencode and pi ask again after these.
          .doesNotContainPattern(
              "(?i)429|500|502|503|504|524|rate.?limit|exhausted|too many requests|try"
                  + " again|timeout");
    }
    assertThat(proxy.sandbox().received()).hasSize(1);
  }

  @Test
  void tellsWhenTheAccountIsBackAndWhichOfItsLimitsWasHit() {
    Instant reset = time.instant().plus(Duration.ofMinutes(312)).truncatedTo(ChronoUnit.MINUTES);
    limitAccount("free-models-per-day.", Duration.between(time.instant(), reset));
    LocalTime clock = LocalTime.ofInstant(reset, ZoneOffset.UTC);
    assertThat(proxy.chat().body())
        .contains(
            "free requests a day (50,",
            "10 credits",
            "will reset at " + clock + " UTC (in 5 h 12 min)")
        .doesNotContain("a minute");
  }

  /** It is asked again before that, since it may be wrong. */
  @Test
  void saysMidnightWhenTheUpstreamDoesNotSayWhenTheDaysRequestsAreBack() {
    time.advance(Duration.ofHours(3));
    proxy.sandbox().scriptOthers(Faults.error(429, "Rate limit exceeded: free-models-per-day."));
    assertThat(proxy.chat().body()).contains("will reset at 00:00 UTC (in 21 h 0 min)");
    proxy.sandbox().scriptOthers(ChatAnswer.standard());
    time.advance(Duration.ofMinutes(5));
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
  }

  @Test
  void letsAClientWaitForTheAccountsNextMinute() {
    limitAccount("free-models-per-min.", Duration.ofMillis(41_300));
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.statusCode()).isEqualTo(429);
    assertThat(header(answer, "retry-after")).isEqualTo("42");
    assertThat(header(answer, "retry-after-ms")).isEqualTo("41300");
    assertThat(header(answer, "x-should-retry")).isEmpty();
    assertThat(answer.body())
        .contains("account_rate_limited", "20 free requests a minute", "back in 42 s")
        // Qwen Code would stop after that word.
        .doesNotContain("quota", "a day");
  }

  /** OpenAI's SDKs obey what is shorter than a minute; after anything else they ask at once. */
  @ParameterizedTest
  @CsvSource({"1, 1, 1000", "59, 59, 59000", "60, 59, 59999"})
  void neverSaysSixtySecondsWhereFiftyNineWillDo(String hint, String seconds, String millis) {
    list("[{\"id\":\"a\"}]");
    proxy.sandbox().scriptOthers(Faults.status(503, Map.of("Retry-After", hint), "{}"));
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.statusCode()).isEqualTo(503);
    assertThat(header(answer, "retry-after")).isEqualTo(seconds);
    assertThat(header(answer, "retry-after-ms")).isEqualTo(millis);
    assertThat(header(answer, "x-should-retry")).isEmpty();
  }

  @Test
  void tellsAClientNotToSitOutMoreThanAMinute() {
    list("[{\"id\":\"a\"}]");
    proxy.sandbox().scriptOthers(Faults.status(503, Map.of("Retry-After", "61"), "{}"));
    HttpResponse<String> answer = proxy.chat();
    assertThat(header(answer, "retry-after")).isEqualTo("61");
    assertThat(header(answer, "x-should-retry")).isEqualTo("false");
    assertThat(header(answer, "retry-after-ms")).isEmpty();
  }

  @Test
  void keepsTheCausesWhileAllModelsRest() {
    list("[{\"id\":\"%s\"},{\"id\":\"%s\"},{\"id\":\"%s\"}]".formatted(FIRST, SECOND, THIRD));
    proxy.sandbox().scriptOthers(Faults.status(429, Map.of("Retry-After", "50"), "{}"));
    // Of one without a hint the rest is a guess, and it would be asked once more.
    proxy.sandbox().script(THIRD, Faults.status(503, Map.of("Retry-After", "90"), "{}"));
    assertThat(proxy.chat().body())
        .contains("2 × rate_limited (2 × 429 rate_limited)")
        .contains("1 × upstream_error (1 × 503 unavailable)")
        .contains("first is back in 50 s");
    int calls = proxy.sandbox().received().size();
    time.advance(Duration.ofSeconds(9));
    HttpResponse<String> resting = proxy.chat();
    assertThat(resting.body())
        .contains("3 free model(s)")
        .contains(": 2 × 429 rate_limited, 1 × 503 unavailable. The first is back in 41 s.");
    assertThat(header(resting, "x-free-llm-proxy-trail")).isEmpty();
    assertThat(proxy.sandbox().received()).hasSize(calls);
  }

  @Test
  void countsThoseThatRestBesideThoseThatFail() {
    list("[{\"id\":\"%s\"},{\"id\":\"%s\"}]".formatted(FIRST, SECOND));
    proxy.sandbox().script(FIRST, Faults.status(429, Map.of("Retry-After", "50"), "{}"));
    proxy.sandbox().script(SECOND, ChatAnswer.standard(), Faults.error(500, "oops"));
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
    assertThat(proxy.chat().body())
        .contains("None of the 1 ", "1 × upstream_error (1 × 500 server_error)")
        .contains("1 more rest: 1 × 429 rate_limited.");
  }

  private void list(String json) {
    proxy.sandbox().scriptList(Faults.status(200, json));
    proxy.refresh();
  }

  @Test
  void namesInAHeaderWhomItAskedAndWhatCameOfIt() {
    proxy.sandbox().script(FIRST, Faults.error(429, "slow down"));
    proxy.sandbox().script(SECOND, Faults.hangUp());
    String failed = FIRST + "=429;" + SECOND + "=connection_lost;";
    assertThat(header(proxy.chat(), "x-free-llm-proxy-trail")).isEqualTo(failed + THIRD + "=200");
    proxy.refresh();
    assertThat(header(proxy.stream(), "x-free-llm-proxy-trail")).isEqualTo(failed + THIRD + "=200");
    proxy.refresh();
    proxy.sandbox().script(THIRD, Faults.error(400, "temperature is too high"));
    assertThat(header(proxy.chat(), "x-free-llm-proxy-trail")).isEqualTo(failed + THIRD + "=400");
    proxy.refresh();
    proxy.sandbox().script(THIRD, Faults.status(200, "{\"error\":{\"code\":503}}"));
    assertThat(header(proxy.stream(), "x-free-llm-proxy-trail"))
        .startsWith(failed + THIRD + "=503;");
  }
}

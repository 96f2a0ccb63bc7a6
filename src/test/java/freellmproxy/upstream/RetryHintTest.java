package freellmproxy.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Contract section 7. */
final class RetryHintTest {
  private static final Instant NOW = Instant.parse("2026-11-24T12:00:00Z");
  private static final long EPOCH = NOW.getEpochSecond();

  @Test
  void looksAtThePlacesInTheOrderOfTheContract() {
    Map<String, String> headers = new HashMap<>();
    headers.put("Retry-After", "2");
    headers.put("X-RateLimit-Reset", "5");
    List<String> bodies =
        List.of(
            body("\"availability\":{\"retry_after\":1},", "\"retry_after_seconds\":3,"),
            body("", "\"retry_after_seconds\":3,"),
            body("", ""));
    assertThat(hint(headers, bodies.get(0))).contains(Duration.ofSeconds(1));
    assertThat(hint(headers, bodies.get(1))).contains(Duration.ofSeconds(2));
    headers.remove("Retry-After");
    assertThat(hint(headers, bodies.get(1))).contains(Duration.ofSeconds(3));
    assertThat(hint(headers, bodies.get(2))).contains(Duration.ofSeconds(4));
    String withoutRetryAfter = bodies.get(2).replace("Retry-After", "X-Other");
    assertThat(hint(headers, withoutRetryAfter)).contains(Duration.ofSeconds(5));
    headers.clear();
    assertThat(hint(headers, withoutRetryAfter)).contains(Duration.ofSeconds(6));
    assertThat(hint(headers, "{}")).isEmpty();
  }

  private static String body(String inError, String inMetadata) {
    return "{\"error\":{"
        + inError
        + "\"metadata\":{"
        + inMetadata
        + "\"headers\":{\"Retry-After\":\"4\",\"X-RateLimit-Reset\":\"6\"}}}}";
  }

  @ParameterizedTest
  @CsvSource({
    "30, 30000",
    "0.5, 500",
    "' 7 ', 7000",
    "1e1, 10000",
    "'Tue, 24 Nov 2026 12:01:00 GMT', 60000",
    "'Tuesday, 24-Nov-26 12:01:00 GMT', 60000",
    "'Tue Nov 24 12:01:00 2026', 60000",
    "34s, 34000",
    "6m0s, 360000",
    "2h13m, 7980000",
    "1d2h, 93600000",
    "250ms, 250",
    "2m59.56s, 179560",
    "33011.38, 33011380",
    "1795521690, 90000",
    "1795521690000, 90000",
    "2026-11-24T12:01:00Z, 60000",
    "2026-11-24T13:01:00.5+01:00, 60500",
  })
  void readsRetryAfterInAllItsForms(String text, long millis) {
    assertThat(hint(Map.of("Retry-After", text), "")).contains(Duration.ofMillis(millis));
  }

  @Test
  void tellsTheUnitsOfAResetApartByTheirSize() {
    assertThat(reset((EPOCH + 90) * 1000 + "")).contains(Duration.ofSeconds(90));
    assertThat(reset(EPOCH + 90 + "")).contains(Duration.ofSeconds(90));
    assertThat(reset("90")).contains(Duration.ofSeconds(90));
  }

  private static Optional<Duration> reset(String value) {
    return hint(Map.of("X-RateLimit-Reset", value), "");
  }

  @ParameterizedTest
  @CsvSource({
    "soon",
    "9m38",
    "30x",
    "99999999999",
    "99999999",
    "5m3h",
    "1e9s",
    "2020-01-01T00:00:00Z",
    "-5",
    "0",
    "''",
    "NaN",
    "1e999999999",
    "'Tue, 24 Nov 2026 11:59:59 GMT'"
  })
  void countsGarbageAndThePastAsAbsent(String text) {
    assertThat(hint(Map.of("Retry-After", text), "")).isEmpty();
    assertThat(hint(Map.of("Retry-After", text, "X-RateLimit-Reset", "8"), ""))
        .contains(Duration.ofSeconds(8));
    assertThat(reset(String.valueOf((EPOCH - 1) * 1000))).isEmpty();
  }

  @Test
  void readsMillisecondsFromTheHeaderThatIsNamedAfterThem() {
    assertThat(hint(Map.of("Retry-After-Ms", "1500", "Retry-After", "2"), ""))
        .contains(Duration.ofMillis(1500));
    assertThat(hint(Map.of("Retry-After-Ms", "x", "Retry-After", "2"), ""))
        .contains(Duration.ofSeconds(2));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"error\":{\"details\":[{\"@type\":\"RetryInfo\",\"retryDelay\":\"34s\"}]}} | 34000",
        "[{\"error\":{\"details\":[{\"retryDelay\":\"34.5s\"}]}}] | 34500",
        "{\"error\":{\"metadata\":{\"raw\":\"{\\\"error\\\":{\\\"details\\\":[{\\\"retryDelay\\\":\\\"7s\\\"}]}}\"}}}"
            + " | 7000",
        "{\"error\":{\"metadata\":{\"raw\":{\"retry_after\":7}}}} | 7000",
        "{\"error\":{\"metadata\":{\"quotaResetDelay\":\"1h2m\"}}} | 3720000",
        "{\"error\":{\"retry_after_ms\":2500}} | 2500",
        "{\"retryAfter\":12,\"message\":\"x\"} | 12000",
        "{\"error\":{\"retry_after\":99999999,\"message\":\"retry after 5s\"}} | 5000",
      })
  void findsTheFieldsOfHostsWhereverTheyAre(String body, long millis) {
    assertThat(hint(Map.of(), body)).contains(Duration.ofMillis(millis));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Please try again in 5.289s. | 5289",
        "Please try again in 9m38.016s. Need more tokens? | 578016",
        "Please retry in 9h23m44.781424344s. | 33824781",
        "Please wait 52220 seconds before retrying | 52220000",
        "try again 50680 seconds later | 50680000",
        "Please try again in 5 hours. | 18000000",
        "Retry after 40 seconds. | 40000",
        "try again in 1 minute and 5 seconds | 65000",
        "limit resets in 2h13m | 7980000",
        "Retrying in 800ms | 800",
        "reset at 2026-11-24T12:01:00Z | 60000",
        "Your limit will reset at 2026-11-24 12:01:00 UTC | 60000",
        "Try again at 2026-11-24T13:01:00+01:00 | 60000",
        "quota resets at 12:30 UTC | 1800000",
        "available again at 03:00 (UTC) | 54000000",
      })
  void readsASentence(String sentence, long millis) {
    assertThat(hint(Map.of(), "{\"error\":{\"message\":\"" + sentence + "\"}}"))
        .contains(Duration.ofMillis(millis));
    assertThat(hint(Map.of(), "{\"error\":{\"metadata\":{\"raw\":\"" + sentence + "\"}}}"))
        .contains(Duration.ofMillis(millis));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model is 30s slower than usual",
        "try again later",
        "try again in 99999 days",
        "reset at 2026-12-01 03:00:00",
        "reset at 2020-01-01T00:00:00Z",
        "limited to 20 requests in 60s",
        "try again in 5 monkeys",
      })
  void takesNoOtherWordsForAHint(String sentence) {
    assertThat(hint(Map.of(), "{\"error\":{\"message\":\"" + sentence + "\"}}")).isEmpty();
  }

  @Test
  void takesTheResetOfAWindowOnlyWhereNothingIsLeftOfIt() {
    Map<String, String> headers = new HashMap<>();
    headers.put("X-RateLimit-Reset-requests", "3h5m45.6s");
    headers.put("X-RateLimit-Remaining-requests", "871");
    headers.put("X-RateLimit-Reset-tokens", "33.277s");
    assertThat(hint(headers, "")).isEmpty();
    headers.put("X-RateLimit-Remaining-tokens", "0");
    assertThat(hint(headers, "")).contains(Duration.ofMillis(33_277));
  }

  private static Optional<Duration> hint(Map<String, String> headers, String body) {
    return RetryHint.from(headers::get, ErrorBody.parse(body.getBytes(UTF_8)), NOW);
  }
}

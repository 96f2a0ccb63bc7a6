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
    "99999999999, 31536000000",
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
  @CsvSource({"soon", "-5", "0", "''", "NaN", "1e999999999", "'Tue, 24 Nov 2026 11:59:59 GMT'"})
  void countsGarbageAndThePastAsAbsent(String text) {
    assertThat(hint(Map.of("Retry-After", text), "")).isEmpty();
    assertThat(hint(Map.of("Retry-After", text, "X-RateLimit-Reset", "8"), ""))
        .contains(Duration.ofSeconds(8));
    assertThat(reset(String.valueOf((EPOCH - 1) * 1000))).isEmpty();
  }

  private static Optional<Duration> hint(Map<String, String> headers, String body) {
    return RetryHint.from(headers::get, ErrorBody.parse(body.getBytes(UTF_8)), NOW);
  }
}

package freellmproxy.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.upstream.Outcome;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** However many were asked, and whatever they are called, the header stays small and plain. */
final class TrailTest {
  private static AttemptRecord failed(String model) {
    return new AttemptRecord(
        model, Outcome.RATE_LIMITED, 429, Duration.ZERO, null, "429 rate_limited", null);
  }

  @Test
  void namesEightAndCountsTheOthers() {
    String trail = Trail.of(Collections.nCopies(10, failed("a")), "b", 200);
    assertThat(trail).isEqualTo("a=429;".repeat(8) + "+3");
  }

  @Test
  void staysBelowAKilobyte() {
    String trail = Trail.of(Collections.nCopies(100, failed("a".repeat(200))));
    assertThat(trail).endsWith(";+96").hasSizeLessThan(1024);
  }

  @Test
  void takesNothingFromTheListThatAHeaderCannotHold() {
    String trail = Trail.of(List.of(failed("a\r\nset-cookie: b;c=d é𝄞")));
    assertThat(trail).isEqualTo("a__set-cookie:_b_c_d___=429");
    assertThat(trail.getBytes(UTF_8)).hasSize(trail.length());
  }
}

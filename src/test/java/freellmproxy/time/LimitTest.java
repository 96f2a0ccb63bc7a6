package freellmproxy.time;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.FakeTime;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A limit that moves, and how many timers that takes. */
final class LimitTest {
  private final FakeTime time = new FakeTime();
  private int reached;
  private final Limit limit = new Limit(time, () -> reached++);

  @Test
  void isReachedOnceAtItsMoment() {
    limit.in(Duration.ofSeconds(3));
    time.advance(Duration.ofMillis(2_999));
    assertThat(reached).isZero();
    time.advance(Duration.ofMillis(1));
    time.advance(Duration.ofHours(1));
    assertThat(reached).isEqualTo(1);
    assertThat(time.pendingTimers()).isZero();
  }

  @Test
  void movesLaterWithoutAnotherTimer() {
    limit.in(Duration.ofSeconds(3));
    time.advance(Duration.ofSeconds(2));
    limit.in(Duration.ofSeconds(3));
    limit.in(Duration.ofSeconds(3));
    assertThat(time.pendingTimers()).isEqualTo(1);
    time.advance(Duration.ofMillis(2_999));
    assertThat(reached).isZero();
    time.advance(Duration.ofMillis(1));
    assertThat(reached).isEqualTo(1);
  }

  @Test
  void movesEarlier() {
    limit.in(Duration.ofSeconds(30));
    limit.in(Duration.ofSeconds(1));
    assertThat(time.pendingTimers()).isEqualTo(1);
    time.advance(Duration.ofSeconds(1));
    assertThat(reached).isEqualTo(1);
  }

  @Test
  void isForgottenAndSetAgain() {
    limit.in(Duration.ofSeconds(1));
    limit.cancel();
    time.advance(Duration.ofSeconds(5));
    assertThat(reached).isZero();
    assertThat(time.pendingTimers()).isZero();
    limit.in(Duration.ofSeconds(1));
    time.advance(Duration.ofSeconds(1));
    assertThat(reached).isEqualTo(1);
  }
}

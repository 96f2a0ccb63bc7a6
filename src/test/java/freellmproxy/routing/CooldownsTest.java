package freellmproxy.routing;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.catalog.Model;
import freellmproxy.config.Settings;
import freellmproxy.routing.Cooldowns.Admission;
import freellmproxy.routing.Cooldowns.Permit;
import freellmproxy.testing.FakeTime;
import freellmproxy.upstream.Allowance;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Whoever waits for a change is told of each one, and when it is made. */
final class CooldownsTest {
  private static final int FOR_EVER = 100;

  private final Cooldowns cooldowns =
      new Cooldowns(
          new FakeTime(),
          () -> new Settings.Fallback(5, 0, Duration.ofMinutes(5), Duration.ofMinutes(1)),
          Duration.ofHours(1));
  private final AtomicInteger told = new AtomicInteger();

  /** On another event loop that happens while those are told who waited before. */
  @Test
  void tellsNobodyTwiceOfOneChangeWhoWaitsAgainAtOnce() {
    waitAgainAndAgain();
    cooldowns.clear();
    assertThat(told).hasValue(1);
    cooldowns.clear();
    assertThat(told).hasValue(2);
  }

  private void waitAgainAndAgain() {
    cooldowns.onChangeAfter(
        cooldowns.changes(),
        () -> {
          if (told.incrementAndGet() < FOR_EVER) {
            waitAgainAndAgain();
          }
        });
  }

  @Test
  void tellsThatTheAccountRestsWhenItDoes() {
    var rested = new AtomicBoolean();
    Permit permit = admitted();
    cooldowns.onChangeAfter(
        cooldowns.changes(), () -> rested.set(cooldowns.accountRest().isPresent()));
    permit.accountLimited(Allowance.DAY, null);
    assertThat(rested).isTrue();
  }

  private Permit admitted() {
    var model = new Model("m", null, null, null, Set.of(), Set.of());
    return ((Admission.Admitted) cooldowns.admit(model)).permit();
  }
}

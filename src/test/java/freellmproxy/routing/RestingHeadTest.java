package freellmproxy.routing;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.catalog.Model;
import freellmproxy.config.Settings;
import freellmproxy.routing.Cooldowns.Admission;
import freellmproxy.routing.Cooldowns.Permit;
import freellmproxy.testing.FakeTime;
import freellmproxy.upstream.Rest;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What is remembered of those who rest never outlives what it was learned from. */
final class RestingHeadTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final FakeTime time = new FakeTime();
  private final Cooldowns cooldowns =
      new Cooldowns(
          time,
          () -> new Settings.Fallback(5, 0, Duration.ofMinutes(5), MINUTE),
          Duration.ofHours(1));
  private final List<Model> models =
      IntStream.range(0, 4)
          .mapToObj(i -> new Model("m" + i, null, null, null, Set.of(), Set.of()))
          .toList();
  private final RestingHead head = new RestingHead(models);

  @Test
  void growsWithWhoeverBeginsToRest() {
    assertThat(head.length(cooldowns, time.instant())).isZero();
    admitted(0).failed(rest(), "x");
    assertThat(head.length(cooldowns, time.instant())).isEqualTo(1);
    admitted(2).failed(rest(), "x");
    assertThat(head.length(cooldowns, time.instant())).isEqualTo(1);
    admitted(1).failed(rest(), "x");
    assertThat(head.length(cooldowns, time.instant())).isEqualTo(3);
  }

  /** Somebody may stand behind it, who serves. */
  @Test
  void endsWithWhoeverMayBeAskedEarly() {
    admitted(0).failed(rest(), "x");
    time.advance(Duration.ofSeconds(29));
    assertThat(head.length(cooldowns, time.instant())).isEqualTo(1);
    time.advance(Duration.ofSeconds(1));
    assertThat(head.length(cooldowns, time.instant())).isZero();
    ((Admission.Admitted) cooldowns.admitEarly(models.get(0))).permit();
    assertThat(head.length(cooldowns, time.instant())).isEqualTo(1);
  }

  @Test
  void endsWithTheFirstRestThatEnds() {
    admitted(0).failed(new Rest(Rest.Kind.ERROR, MINUTE), "x");
    time.advance(Duration.ofSeconds(30));
    admitted(1).failed(rest(), "x");
    assertThat(head.length(cooldowns, time.instant())).isEqualTo(2);
    time.advance(Duration.ofSeconds(29));
    assertThat(head.length(cooldowns, time.instant())).isEqualTo(2);
    time.advance(Duration.ofSeconds(1));
    assertThat(head.length(cooldowns, time.instant())).isZero();
  }

  @Test
  void countsWhoIsBeingTriedAgainUntilThatIsOver() {
    admitted(0).failed(rest(), "x");
    time.advance(MINUTE);
    Permit probe = admitted(0);
    assertThat(head.length(cooldowns, time.instant())).isEqualTo(1);
    probe.succeeded();
    assertThat(head.length(cooldowns, time.instant())).isZero();
  }

  @Test
  void isForgottenWhenAllRestsEnd() {
    admitted(0).failed(rest(), "x");
    assertThat(head.length(cooldowns, time.instant())).isEqualTo(1);
    cooldowns.clear();
    assertThat(head.length(cooldowns, time.instant())).isZero();
  }

  private Permit admitted(int model) {
    return ((Admission.Admitted) cooldowns.admit(models.get(model))).permit();
  }

  private static Rest rest() {
    return new Rest(Rest.Kind.ERROR, null);
  }
}

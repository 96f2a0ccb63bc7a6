package freellmproxy.routing;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.catalog.Catalog;
import freellmproxy.catalog.Model;
import freellmproxy.chat.Requirements;
import freellmproxy.config.Settings;
import freellmproxy.routing.CandidateWalk.Step;
import freellmproxy.routing.Cooldowns.Admission;
import freellmproxy.upstream.Rest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What a walk makes of rests that end or begin while it looks. */
final class CandidateWalkTest {
  private static final Instant START = Instant.parse("2026-11-24T00:00:00Z");
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private Instant now = START;
  private Duration betweenLooks = Duration.ZERO;
  private final Cooldowns cooldowns =
      new Cooldowns(
          this::look,
          () -> new Settings.Fallback(5, 0, Duration.ofMinutes(5), MINUTE),
          Duration.ofHours(1));
  private final Model model = new Model("m", null, null, null, Set.of(), Set.of());

  private Instant look() {
    Instant seen = now;
    now = now.plus(betweenLooks);
    return seen;
  }

  @Test
  void awaitsNoProbeOfAModelWhoseRestEndsWhileItLooks() {
    ((Admission.Admitted) cooldowns.admit(model))
        .permit()
        .failed(new Rest(Rest.Kind.ERROR, null), "x");
    now = START.plus(MINUTE).minusNanos(1);
    betweenLooks = Duration.ofNanos(1);
    assertThat(walk(model).next(5)).isNotInstanceOf(Step.AwaitProbe.class);
  }

  /** It waits for a probe only while there is one. */
  @Test
  void goesBackToAModelWhoseProbeHasEnded() {
    var other = new Model("n", null, null, null, Set.of(), Set.of());
    for (Model each : List.of(model, other)) {
      ((Admission.Admitted) cooldowns.admit(each))
          .permit()
          .failed(new Rest(Rest.Kind.ERROR, null), "x");
    }
    now = START.plus(MINUTE);
    var probe = (Admission.Admitted) cooldowns.admit(model);
    CandidateWalk walk = walk(model, other);
    var ask = (Step.Ask) walk.next(5);
    assertThat(ask.model()).isEqualTo(other);
    probe.permit().succeeded();
    ask.permit().failed(new Rest(Rest.Kind.ERROR, null), "x");
    assertThat(walk.next(5))
        .isInstanceOfSatisfying(Step.Ask.class, next -> assertThat(next.model()).isEqualTo(model));
  }

  private CandidateWalk walk(Model... models) {
    List<Model> all = List.of(models);
    var selection =
        new CandidateSelector.Selection(new Catalog(1, START, all), all, List.of(), Set.of());
    return new CandidateWalk(
        selection, new Requirements(Set.of(), Set.of()), cooldowns, new LearnedLimits());
  }
}

package freellmproxy.routing;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.catalog.Capability;
import freellmproxy.catalog.Catalog;
import freellmproxy.catalog.Model;
import freellmproxy.chat.Requirements;
import freellmproxy.routing.CandidateSelector.Selection;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Contract section 4. */
final class CandidateSelectorTest {

  @ParameterizedTest
  @EnumSource
  void sortsByWhatIsKnownOfEachCapability(Capability needed) {
    Set<Capability> others = EnumSet.complementOf(EnumSet.of(needed));
    Model lacking = model("lacking", others, Set.of(needed));
    Model unknown = model("unknown", others, Set.of());
    Model able = model("able", Set.of(needed), others);
    Model ableToo = model("able too", Set.of(needed), Set.of());
    Selection selection = select(Set.of(needed), lacking, unknown, able, ableToo);
    assertThat(selection.candidates()).containsExactly(able, ableToo, unknown);
    assertThat(selection.filteredOut()).containsExactly(lacking);
    assertThat(selection.missing()).isEmpty();
  }

  @Test
  void keepsTheRankWhenNothingIsNeeded() {
    Model first = model("first", Set.of(), EnumSet.allOf(Capability.class));
    Model second = model("second", EnumSet.allOf(Capability.class), Set.of());
    assertThat(select(Set.of(), first, second).candidates()).containsExactly(first, second);
  }

  @Test
  void namesOnlyWhatNoModelHas() {
    Model tools = model("t", Set.of(Capability.TOOLS), Set.of(Capability.SEED));
    Selection selection = select(Set.of(Capability.TOOLS, Capability.SEED), tools);
    assertThat(selection.candidates()).isEmpty();
    assertThat(selection.missing()).containsExactly(Capability.SEED);
  }

  @Test
  void namesTheCombinationWhenEachNeedAloneCouldBeMet() {
    Model tools = model("t", Set.of(Capability.TOOLS), Set.of(Capability.SEED));
    Model seed = model("s", Set.of(Capability.SEED), Set.of(Capability.TOOLS));
    assertThat(select(Set.of(Capability.TOOLS, Capability.SEED), tools, seed).missing())
        .containsExactlyInAnyOrder(Capability.TOOLS, Capability.SEED);
  }

  @Test
  void sortsEachListOnceForEachKindOfRequest() {
    var selector = new CandidateSelector();
    Model tools = model("t", Set.of(Capability.TOOLS), Set.of());
    Catalog old = new Catalog(1, Instant.EPOCH, List.of(tools));
    Catalog fresh = new Catalog(2, Instant.EPOCH, List.of(tools, model("u", Set.of(), Set.of())));
    var needsTools = new Requirements(Set.of(Capability.TOOLS), Set.of());
    Selection first = selector.select(old, needsTools);
    assertThat(selector.select(old, new Requirements(Set.of(Capability.TOOLS), Set.of())))
        .isSameAs(first);
    assertThat(selector.select(old, Requirements.NONE)).isNotSameAs(first);
    assertThat(selector.select(fresh, needsTools).candidates()).hasSize(2);
  }

  private static Selection select(Set<Capability> needs, Model... models) {
    return new CandidateSelector()
        .select(new Catalog(1, Instant.EPOCH, List.of(models)), new Requirements(needs, Set.of()));
  }

  private static Model model(String id, Set<Capability> has, Set<Capability> lacks) {
    return new Model(id, null, null, null, has, lacks);
  }
}

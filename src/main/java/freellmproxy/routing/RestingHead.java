package freellmproxy.routing;

import freellmproxy.catalog.Model;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How many candidates in front of the first that may be asked rest. Counted again only when that
 * can have changed, so that a request costs the same however many rest. For one event loop.
 */
final class RestingHead {
  private final List<Model> candidates;
  private long changes = -1;
  private Instant firstWake = Instant.MIN;
  private int length;

  RestingHead(List<Model> candidates) {
    this.candidates = candidates;
  }

  /** How many rest at this moment. */
  int length(Cooldowns cooldowns, Instant now) {
    if (changes != cooldowns.changes() || !now.isBefore(firstWake)) {
      // Noted first: what changes meanwhile has to be seen the next time.
      changes = cooldowns.changes();
      count(cooldowns, now);
    }
    return length;
  }

  private void count(Cooldowns cooldowns, Instant now) {
    firstWake = Instant.MAX;
    for (length = 0; length < candidates.size(); length++) {
      @Nullable Instant wake = cooldowns.certainRestOf(candidates.get(length), now);
      if (wake == null) {
        return;
      }
      firstWake = wake.isBefore(firstWake) ? wake : firstWake;
    }
  }
}

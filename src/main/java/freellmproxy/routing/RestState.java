package freellmproxy.routing;

import freellmproxy.upstream.Rest;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is remembered about one model that failed. A model without a state is awake and has no
 * failures.
 *
 * @param phase whether and how it may be asked
 * @param until end of the rest, meaningless while awake
 * @param failures how many rests in a row ended in another failure
 * @param empties empty answers in a row
 * @param untilRefresh whether the rest ends when the list is read again
 */
record RestState(Phase phase, Instant until, int failures, int empties, boolean untilRefresh) {
  static final RestState AWAKE = new RestState(Phase.AWAKE, Instant.MIN, 0, 0, false);

  enum Phase {
    /** Anybody may ask. */
    AWAKE,
    /** Nobody may ask until the rest ends; then the first one who asks turns it into PROBING. */
    RESTING,
    /** The rest is over and one request is finding out whether the model is well again. */
    PROBING
  }

  boolean restsAt(Instant now) {
    return phase == Phase.RESTING && now.isBefore(until);
  }

  /**
   * Whether the request that was admitted first after the rest that ended at {@code endOfRest} is
   * still out. A later rest ends later, so a straggler is never taken for the new first asker.
   */
  boolean isProbing(@Nullable Instant endOfRest) {
    return phase == Phase.PROBING && until.equals(endOfRest);
  }

  /** It failed. A rest never gets shorter by a later, smaller hint. */
  RestState rested(Rest rest, RestLength length, Instant now) {
    boolean restsAlready = restsAt(now);
    // Ten requests that fail together are one incident: only the first counts and doubles.
    boolean counts = rest.kind() == Rest.Kind.ERROR && !restsAlready;
    int failuresNow = failures + (counts ? 1 : 0);
    Instant end = length.end(rest, failuresNow, now);
    boolean endsWithRefresh =
        rest.kind() == Rest.Kind.UNTIL_REFRESH || (restsAlready && untilRefresh);
    return new RestState(
        Phase.RESTING,
        restsAlready && until.isAfter(end) ? until : end,
        failuresNow,
        0,
        endsWithRefresh);
  }

  RestState probing() {
    return new RestState(Phase.PROBING, until, failures, empties, false);
  }

  /** The prober left without an answer: the next one who asks is the prober. */
  RestState probeGivenUp() {
    return new RestState(Phase.RESTING, until, failures, empties, false);
  }

  RestState awake() {
    return new RestState(Phase.AWAKE, until, failures, empties, false);
  }

  RestState withEmptyAnswer() {
    return new RestState(phase, until, failures, empties + 1, untilRefresh);
  }
}

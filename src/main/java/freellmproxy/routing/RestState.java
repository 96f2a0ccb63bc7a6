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
 * @param probeFrom from when on one request may ask although the rest goes on, if another model
 *     serves behind this one; not after {@code until}
 * @param isFirstGuess whether it failed for the first time and nobody said for how long
 * @param failures how many rests in a row ended in another failure
 * @param empties empty answers in a row
 * @param untilRefresh whether the rest ends when the list is read again
 * @param cause what made it rest that long, in our own words; empty while it never did
 */
record RestState(
    Phase phase,
    Instant until,
    Instant probeFrom,
    boolean isFirstGuess,
    int failures,
    int empties,
    boolean untilRefresh,
    String cause) {
  static final RestState AWAKE =
      new RestState(Phase.AWAKE, Instant.MIN, Instant.MIN, false, 0, 0, false, "");

  enum Phase {
    /** Anybody may ask. */
    AWAKE,
    /** Nobody may ask until the rest ends; then the first one who asks turns it into PROBING. */
    RESTING,
    /** One request, after the rest or early, is finding out whether the model is well again. */
    PROBING
  }

  boolean restsAt(Instant now) {
    return phase == Phase.RESTING && now.isBefore(until);
  }

  /** Whether it rests on, but one request may find out whether it has to. */
  boolean isProbeDueAt(Instant now) {
    return restsAt(now) && !now.isBefore(probeFrom);
  }

  /** Whether it may be asked early where nobody else is left: once, and only after a guess. */
  boolean isLastResortAt(Instant now) {
    return restsAt(now) && isFirstGuess;
  }

  /**
   * Whether the request that was admitted first after the rest that ended at {@code endOfRest} is
   * still out. A later rest ends at another moment, so a straggler is never taken for the new first
   * asker.
   */
  boolean isProbing(@Nullable Instant endOfRest) {
    return phase == Phase.PROBING && until.equals(endOfRest);
  }

  /** It failed. A rest never gets shorter by a later, smaller hint. */
  RestState rested(Rest rest, String why, RestLength length, Instant now) {
    boolean restsAlready = restsAt(now);
    // Ten requests that fail together are one incident: only the first counts and doubles.
    boolean counts = rest.kind() == Rest.Kind.ERROR && !restsAlready;
    int failuresNow = failures + (counts ? 1 : 0);
    Instant end = length.end(rest, failuresNow, now);
    boolean endsWithRefresh =
        rest.kind() == Rest.Kind.UNTIL_REFRESH || (restsAlready && untilRefresh);
    Instant probe = RestLength.probe(rest, end, now);
    boolean isFirst = restsAlready ? isFirstGuess : phase == Phase.AWAKE && failures == 0;
    boolean endsAsBefore = restsAlready && until.isAfter(end);
    return new RestState(
        Phase.RESTING,
        endsAsBefore ? until : end,
        restsAlready && probeFrom.isAfter(probe) ? probeFrom : probe,
        isFirst && rest.isGuess() && !endsWithRefresh,
        failuresNow,
        0,
        endsWithRefresh,
        endsAsBefore ? cause : why);
  }

  RestState probing() {
    return with(Phase.PROBING);
  }

  /** The prober left without an answer: the next one who asks is the prober. */
  RestState probeGivenUp() {
    return with(Phase.RESTING);
  }

  RestState awake() {
    return with(Phase.AWAKE);
  }

  RestState withEmptyAnswer() {
    return new RestState(
        phase, until, probeFrom, isFirstGuess, failures, empties + 1, untilRefresh, cause);
  }

  private RestState with(Phase next) {
    return new RestState(next, until, probeFrom, isFirstGuess, failures, empties, false, cause);
  }
}

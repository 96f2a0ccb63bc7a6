package freellmproxy.exchange;

import freellmproxy.api.ApiError;
import freellmproxy.config.Settings;
import freellmproxy.routing.CandidateWalk;
import freellmproxy.upstream.Outcome;
import freellmproxy.upstream.Verdict;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the attempts of one search have left behind while none was useful, and so what the client is
 * told when nobody is left. Lives on one event loop.
 */
final class Tried {
  private final List<AttemptRecord> attempts;
  private final Strays strays;
  private @Nullable Kept kept;
  private int refusals;

  /**
   * An attempt whose answer may be passed on at last.
   *
   * @param status that of its verdict
   */
  private record Kept(Attempt attempt, int status) {}

  /**
   * Nothing yet.
   *
   * @param attempts those that are over, which the search adds to
   */
  Tried(List<AttemptRecord> attempts) {
    this.attempts = attempts;
    this.strays = new Strays(attempts);
  }

  /** One has been judged. */
  void compareWith(Verdict verdict) {
    strays.compareWith(verdict);
  }

  /** The last one has reached no model. */
  void missed(Attempt attempt, Verdict.NotReached verdict) {
    strays.add(attempt, verdict);
  }

  /** One said that it cannot; the first such refusal is that of the best model. */
  void refused(Attempt attempt, int status) {
    refusals++;
    if (kept == null) {
      keep(attempt, status);
    }
  }

  /** This is what may be passed on, in place of what was kept before. */
  void keep(Attempt attempt, int status) {
    Kept before = kept;
    kept = new Kept(attempt, status);
    if (before != null) {
      forget(before.attempt());
    }
  }

  /** Nobody needs the answer any more, unless it is the one that may be passed on. */
  void forget(Attempt attempt) {
    if (kept == null || attempt != kept.attempt()) {
      attempt.forget();
    }
  }

  /** Nothing will be passed on any more. */
  void forgetAll() {
    if (kept != null) {
      kept.attempt().forget();
    }
  }

  /** With what the upstream said last, where that is known. */
  ApiError inUpstreamsWords(ApiError error) {
    return Refusals.quoting(error, attempts.getLast().detail());
  }

  /**
   * What the client gets; there was one attempt at least.
   *
   * @param mayAskAgain whether calls are left, but nobody to ask
   * @param wait until the first model is back
   */
  Search.End conclusion(
      CandidateWalk walk, boolean mayAskAgain, Duration wait, Settings.Upstream upstream) {
    if (kept != null && nothingBetterCanCome(walk, mayAskAgain)) {
      return new Search.End.PassOn(kept.attempt(), kept.status());
    }
    if (strays.areAll()) {
      ApiError error = Refusals.notReached(strays.last(), attempts.getLast().detail(), upstream);
      return new Search.End.Nobody(error, null);
    }
    ApiError error = Refusals.allFailed(attempts, walk.causesOfRests(), wait);
    return new Search.End.Nobody(
        allWere(Outcome.UPSTREAM_ERROR) ? inUpstreamsWords(error) : error, null);
  }

  /**
   * Whether every candidate said nothing at all, or every one that it cannot; or as many as may be
   * asked. Those that rest might have answered.
   */
  private boolean nothingBetterCanCome(CandidateWalk walk, boolean mayAskAgain) {
    if (!mayAskAgain) {
      return allWere(Outcome.EMPTY_ANSWER) || allRefused();
    }
    return allWere(Outcome.EMPTY_ANSWER)
        ? attempts.size() == walk.suitable().size()
        : allRefused() && walk.nobodySuits();
  }

  private boolean allRefused() {
    return refusals == attempts.size();
  }

  private boolean allWere(Outcome outcome) {
    return attempts.stream().allMatch(attempt -> attempt.outcome() == outcome);
  }
}

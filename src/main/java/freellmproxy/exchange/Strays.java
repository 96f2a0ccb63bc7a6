package freellmproxy.exchange;

import freellmproxy.upstream.Obstacle;
import freellmproxy.upstream.Outcome;
import freellmproxy.upstream.Verdict;
import java.util.ArrayList;
import java.util.List;

/**
 * The attempts of one request that have reached no model. Whose fault an answer is that no API gave
 * shows in the other attempts: where one of them finds the API, it was the model's after all, and
 * that model rests (decision 0049). Lives on one event loop.
 */
final class Strays {
  private final List<AttemptRecord> attempts;
  private final List<Stray> strays = new ArrayList<>(0);
  private boolean isApiThere;

  /**
   * One that may have to be blamed yet.
   *
   * @param place of its record among all
   */
  private record Stray(int place, Attempt attempt, Verdict.NotReached verdict) {}

  /**
   * None yet.
   *
   * @param attempts all of the request, whose records this may replace
   */
  Strays(List<AttemptRecord> attempts) {
    this.attempts = attempts;
  }

  /** One more, whose record is the last. */
  void add(Attempt attempt, Verdict.NotReached verdict) {
    var stray = new Stray(attempts.size() - 1, attempt, verdict);
    strays.add(stray);
    if (isApiThere) {
      blame(stray);
    }
  }

  /** Another attempt has been judged, or is about to be. */
  void compareWith(Verdict verdict) {
    boolean isOfApi =
        verdict.outcome() != Outcome.UPSTREAM_ERROR && verdict.outcome() != Outcome.CANCELLED;
    if (isOfApi && !isApiThere) {
      isApiThere = true;
      strays.forEach(this::blame);
    }
  }

  private void blame(Stray stray) {
    if (stray.verdict.obstacle() != Obstacle.NO_CONNECTION) {
      AttemptRecord known = attempts.get(stray.place);
      attempts.set(stray.place, known.restingUntil(stray.attempt.blame(stray.verdict.reason())));
    }
  }

  /** Whether no attempt has reached a model. */
  boolean areAll() {
    return !strays.isEmpty() && strays.size() == attempts.size();
  }

  /** What stood in the way of the last one. */
  Verdict.NotReached last() {
    return strays.getLast().verdict;
  }
}

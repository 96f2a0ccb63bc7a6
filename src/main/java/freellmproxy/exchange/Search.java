package freellmproxy.exchange;

import freellmproxy.api.ApiError;
import freellmproxy.chat.ChatRequest;
import freellmproxy.config.Secret;
import freellmproxy.config.Settings;
import freellmproxy.routing.AccountRest;
import freellmproxy.routing.CandidateWalk;
import freellmproxy.upstream.AccountLimit;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.Pooling;
import freellmproxy.upstream.Unfit;
import freellmproxy.upstream.UpstreamClient;
import freellmproxy.upstream.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one loop over candidates: asks one after the other until something useful came or nobody is
 * left, and says so once. Nothing of it has reached the client by then. Lives on one event loop.
 */
final class Search {
  private static final Logger LOG = LoggerFactory.getLogger(Search.class);

  private final Exchanges.Shared shared;
  private final Settings settings;
  private final Settings.Fallback fallback;
  private final UpstreamClient client;
  private final String requestId;
  private final ChatRequest request;
  private final AnswerForm form;
  private final CandidateWalk walk;
  private final Deadline deadline;
  private final Consumer<Runnable> guard;
  private final Consumer<End> onEnd;
  private final List<AttemptRecord> attempts = new ArrayList<>(1);
  private final Tried tried = new Tried(attempts);

  private @Nullable Attempt current;
  private @Nullable Pause pause;
  private Duration paused = Duration.ZERO;
  private int retriesOfModel;
  private Pooling pooling = Pooling.REUSE;

  /** How it ends. */
  sealed interface End {
    /** A stream has begun that is useful; what comes of the attempt is open. */
    record Found(Attempt attempt) implements End {}

    /**
     * What an attempt brought is for the client as it is.
     *
     * @param status that of its verdict
     */
    record PassOn(Attempt attempt, int status) implements End {}

    /**
     * Nobody answered.
     *
     * @param refusedKey the upstream key, where that is why
     */
    record Nobody(ApiError error, @Nullable Secret refusedKey) implements End {}
  }

  /**
   * Describes the search; {@link #begin} begins it.
   *
   * @param guard runs what is told later, so that a bug in it leaves no client without an answer
   * @param onEnd told once, unless it is stopped before
   */
  Search(
      Exchanges.Shared shared,
      UpstreamClient client,
      Exchanges.Origin origin,
      ChatRequest request,
      CandidateWalk walk,
      Consumer<Runnable> guard,
      Consumer<End> onEnd) {
    this.shared = shared;
    this.settings = shared.settings().current();
    this.fallback = settings.fallback();
    this.client = client;
    this.requestId = origin.requestId();
    this.request = request;
    this.form = AnswerForm.of(request);
    this.walk = walk;
    this.deadline =
        new Deadline(shared.time(), origin.completeNanos(), settings.limits().deadline());
    this.guard = guard;
    this.onEnd = onEnd;
  }

  void begin() {
    unlessTheAccountRests(this::askNext);
  }

  /** Those that are over, in their order. */
  List<AttemptRecord> attempts() {
    return Collections.unmodifiableList(attempts);
  }

  /** How long it has asked nobody. */
  Duration paused() {
    return paused;
  }

  private void unlessTheAccountRests(Runnable ask) {
    Optional<AccountRest> accountRest = shared.cooldowns().accountRest();
    if (accountRest.isPresent()) {
      refuse(accountRest.get());
    } else {
      ask.run();
    }
  }

  private void askNext() {
    if (!mayAskAgain() || !deadline.leavesTimeForAnAttempt()) {
      giveUp();
      return;
    }
    switch (walk.next(callsLeft())) {
      case CandidateWalk.Step.Ask ask -> {
        retriesOfModel = 0;
        ask(ask);
      }
      case CandidateWalk.Step.AccountRests rests -> refuse(rests.rest());
      case CandidateWalk.Step.AwaitProbe probe -> {
        Duration longest = probe.longest().map(deadline::cap).orElseGet(deadline::remaining);
        Pause wait = pause(longest, this::askNext);
        shared.cooldowns().onChangeAfter(probe.changes(), () -> client.soon(wait::end));
      }
      case CandidateWalk.Step.NobodyLeft none -> giveUp();
    }
  }

  private Pause pause(Duration longest, Runnable then) {
    pause =
        new Pause(
            shared.time(),
            longest,
            took -> {
              paused = paused.plus(took);
              pause = null;
              guard.accept(then);
            });
    return pause;
  }

  /** Contract section 4: so many upstream calls for one request. */
  private boolean mayAskAgain() {
    return callsLeft() > 0;
  }

  private int callsLeft() {
    return fallback.maxAttempts() - attempts.size();
  }

  /**
   * How long the attempt under way has nobody to give way to; zero when another may be asked
   * instead. The deadline ends it anyway.
   */
  private Duration patience() {
    boolean isLastCall = callsLeft() == 1;
    Duration untilAnother = isLastCall ? deadline.remaining() : walk.untilAnotherMayBeAsked();
    return deadline.leavesTimeForAnAttemptAfter(untilAnother) ? untilAnother : deadline.remaining();
  }

  private void ask(CandidateWalk.Step.Ask ask) {
    var attempt =
        new Attempt(
            ask.model(),
            ask.permit(),
            request,
            settings.limits(),
            deadline,
            this::patience,
            (judged, verdict) -> guard.accept(() -> act(ask, judged, verdict)));
    if (current != null) {
      tried.forget(current);
    }
    current = attempt;
    attempt.start(client, pooling);
  }

  private void act(CandidateWalk.Step.Ask ask, Attempt attempt, Verdict verdict) {
    tried.compareWith(verdict);
    if (verdict instanceof Verdict.Useful && form == AnswerForm.STREAM) {
      onEnd.accept(new End.Found(attempt));
      return;
    }
    settle(attempt, verdict);
    switch (verdict) {
      case Verdict.Useful useful -> onEnd.accept(new End.PassOn(attempt, attempt.status()));
      case Verdict.ClientError error -> onEnd.accept(new End.PassOn(attempt, error.status()));
      case Verdict.ModelFailed failed -> {
        advise(attempt, failed);
        askAgainOrNext(ask, failed);
      }
      case Verdict.ModelUnfit unfit -> {
        walk.refusedBy(attempt.model(), unfit.unfit());
        tried.refused(attempt, unfit.status());
        askNext();
      }
      case Verdict.HostRefused refused -> {
        walk.refusedBy(attempt.model(), new Unfit.Parameters());
        tried.refused(attempt, refused.status());
        askNext();
      }
      case Verdict.NotReached missed -> {
        tried.missed(attempt, missed);
        askNext();
      }
      case Verdict.Empty empty -> {
        boolean isJsonForStream = form == AnswerForm.STREAM && attempt.answer() != null;
        if (!isJsonForStream) {
          tried.keep(attempt, attempt.status());
        }
        askNext();
      }
      // Unless the key was replaced meanwhile.
      case Verdict.AccountLimited limited -> unlessTheAccountRests(this::askNext);
      case Verdict.ProxyOverloaded overloaded -> refuse(Refusals.overloaded(overloaded));
      case Verdict.KeyRefused refused -> refuseUnlessReplaced(attempt, Refusals::keyRefused);
      case Verdict.AccountBlocked blocked ->
          refuseUnlessReplaced(
              attempt,
              blocked.limit() == AccountLimit.KEY ? Refusals::keyLimited : Refusals::balanceSpent);
    }
  }

  /** What an attempt came to is remembered; that of a stream which was found when it has ended. */
  void settle(Attempt attempt, Verdict verdict) {
    if (attempt.wasSentAgain()) {
      // A second try that does not count is had once.
      pooling = Pooling.FRESH;
    }
    attempts.add(attempt.settle(verdict));
  }

  /** For the operator to mend, unless the key has been replaced meanwhile. */
  private void refuseUnlessReplaced(Attempt attempt, Function<Secret, ApiError> refusal) {
    Secret key = attempt.call().key();
    if (key.equals(shared.settings().current().keys().openRouter())) {
      onEnd.accept(new End.Nobody(tried.inUpstreamsWords(refusal.apply(key)), key));
    } else {
      askNext();
    }
  }

  private void askAgainOrNext(CandidateWalk.Step.Ask ask, Verdict.ModelFailed failed) {
    Optional<Duration> wait =
        mayAskTheSameAgain(ask)
            ? SameModelRetry.pause(failed).filter(deadline::leavesTimeForAnAttemptAfter)
            : Optional.empty();
    if (wait.isEmpty()) {
      askNext();
      return;
    }
    retriesOfModel++;
    Runnable again = () -> unlessTheAccountRests(() -> ask(ask));
    if (wait.get().isZero()) {
      again.run();
    } else {
      pause(wait.get(), again);
    }
  }

  /** The last call is another model's, where there is one; a probe that fails has said enough. */
  private boolean mayAskTheSameAgain(CandidateWalk.Step.Ask ask) {
    return retriesOfModel < fallback.sameModelRetries()
        && !ask.permit().isProbe()
        && (callsLeft() > 1 || (mayAskAgain() && walk.untilAnotherMayBeAsked().isPositive()));
  }

  private void advise(Attempt attempt, Verdict.ModelFailed failed) {
    if (failed.advice() != null) {
      LOG.atWarn()
          .addKeyValue("request_id", requestId)
          .addKeyValue("model", attempt.model().id())
          .addKeyValue("advice", failed.advice())
          .log("model_blocked_by_account_settings");
    }
  }

  /** Nobody is left to ask, or no time. */
  private void giveUp() {
    Duration wait = Duration.between(shared.time().steady(), walk.firstWake());
    if (attempts.isEmpty()) {
      refuse(Refusals.allResting(walk.suitable().size(), walk.causesOfRests(), wait));
    } else {
      onEnd.accept(tried.conclusion(walk, mayAskAgain(), wait, settings.upstream()));
    }
  }

  private void refuse(AccountRest rest) {
    refuse(Refusals.accountLimited(rest, shared.time()));
  }

  private void refuse(ApiError error) {
    onEnd.accept(new End.Nobody(error, null));
  }

  /** Ends the attempt or the pause under way; nobody is blamed, and nothing more is told. */
  void stop() {
    if (pause != null) {
      paused = paused.plus(pause.cancel());
      pause = null;
    }
    if (current != null && current.isOpen()) {
      attempts.add(current.cancelled());
    }
  }

  /** All that the attempts brought has been passed on, or is not needed. */
  void forgetAll() {
    tried.forgetAll();
    if (current != null) {
      current.forget();
    }
  }
}

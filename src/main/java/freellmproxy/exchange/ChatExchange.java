package freellmproxy.exchange;

import freellmproxy.api.ApiError;
import freellmproxy.api.OwnFault;
import freellmproxy.chat.ChatRequest;
import freellmproxy.config.Secret;
import freellmproxy.config.Settings;
import freellmproxy.exchange.ClientReply.Tags;
import freellmproxy.exchange.ExchangeRecord.StreamEnding;
import freellmproxy.routing.AccountRest;
import freellmproxy.routing.CandidateSelector.Selection;
import freellmproxy.routing.CandidateWalk;
import freellmproxy.upstream.AccountLimit;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.Outcome;
import freellmproxy.upstream.Pooling;
import freellmproxy.upstream.Unfit;
import freellmproxy.upstream.UpstreamClient;
import freellmproxy.upstream.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One chat request from selection to the last byte of its answer: asks one candidate after the
 * other until one answers. Lives on one event loop and needs no lock. Ends exactly once, by {@link
 * #finish}, on every path.
 */
final class ChatExchange {
  private static final Logger LOG = LoggerFactory.getLogger(ChatExchange.class);

  private final Exchanges.Shared shared;
  private final Settings settings;
  private final Settings.Fallback fallback;
  private final UpstreamClient client;
  private final Exchanges.Origin origin;
  private final ChatRequest request;
  private final AnswerForm form;
  private final Selection selection;
  private final CandidateWalk walk;
  private final Deadline deadline;
  private final ClientReply reply;
  private final Consumer<ChatExchange> onOver;
  private final List<AttemptRecord> attempts = new ArrayList<>(1);

  private @Nullable Attempt current;
  private @Nullable StreamRelay relay;
  private @Nullable Kept kept;
  private @Nullable Secret refusedKey;
  private @Nullable Pause pause;
  private Duration paused = Duration.ZERO;
  private int retriesOfModel;
  private int refusals;
  private final Strays strays = new Strays(attempts);
  private Pooling pooling = Pooling.REUSE;
  private boolean over;

  /**
   * An attempt whose answer may be passed on at last.
   *
   * @param status that of its verdict
   */
  private record Kept(Attempt attempt, int status) {}

  /** Where {@link OpenExchanges} keeps it. */
  int place = OpenExchanges.NOWHERE;

  ChatExchange(
      Exchanges.Shared shared,
      UpstreamClient client,
      Exchanges.Origin origin,
      ChatRequest request,
      Selection selection,
      CandidateWalk walk,
      ClientReply reply,
      Consumer<ChatExchange> onOver) {
    this.shared = shared;
    this.settings = shared.settings().current();
    this.fallback = settings.fallback();
    this.client = client;
    this.origin = origin;
    this.request = request;
    this.form = AnswerForm.of(request);
    this.selection = selection;
    this.walk = walk;
    this.deadline =
        new Deadline(shared.time(), origin.completeNanos(), settings.limits().deadline());
    this.reply = reply;
    this.onOver = onOver;
  }

  void begin() {
    guard(this::start);
  }

  /** Does some work for it. A bug there must not leave a client without an answer. */
  private void guard(Runnable work) {
    try {
      work.run();
    } catch (Throwable thrown) {
      LOG.atError()
          .setCause(OwnFault.of(thrown))
          .addKeyValue("request_id", origin.requestId())
          .log("request_failed");
      if (over) {
        // Does nothing where an answer has begun.
        reply.error(ApiError.internal(), tags(null));
      } else {
        endWith(ApiError.internal());
      }
    }
  }

  private void start() {
    reply.onGone(() -> guard(this::clientGone));
    unlessTheAccountRests(this::askNext);
  }

  private void unlessTheAccountRests(Runnable ask) {
    Optional<AccountRest> accountRest = shared.cooldowns().accountRest();
    if (accountRest.isPresent()) {
      refuse(accountRest.get());
    } else {
      ask.run();
    }
  }

  /** The loop: one candidate a round, until one answers or no round is left. */
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
              guard(then);
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
            verdict -> guard(() -> act(ask, verdict)));
    forget(current);
    current = attempt;
    attempt.start(client, pooling);
  }

  /** Nobody needs the answer any more, unless it is the one that may be passed on at last. */
  private void forget(@Nullable Attempt attempt) {
    if (attempt != null && (kept == null || attempt != kept.attempt())) {
      attempt.forget();
    }
  }

  private void act(CandidateWalk.Step.Ask ask, Verdict verdict) {
    Attempt attempt = current();
    strays.compareWith(verdict);
    if (verdict instanceof Verdict.Useful && form == AnswerForm.STREAM) {
      commitStream(attempt);
      return;
    }
    settle(attempt, verdict);
    switch (verdict) {
      case Verdict.Useful useful -> passThrough(PassedThrough.of(attempt, attempt.status()));
      case Verdict.ClientError error -> passThrough(PassedThrough.of(attempt, error.status()));
      case Verdict.ModelFailed failed -> {
        advise(attempt, failed);
        askAgainOrNext(ask, failed);
      }
      case Verdict.ModelUnfit unfit -> {
        walk.refusedBy(attempt.model(), unfit.unfit());
        refusedAndNext(attempt, unfit.status());
      }
      case Verdict.HostRefused refused -> {
        walk.refusedBy(attempt.model(), new Unfit.Parameters());
        refusedAndNext(attempt, refused.status());
      }
      case Verdict.NotReached missed -> {
        strays.add(attempt, missed);
        askNext();
      }
      case Verdict.Empty empty -> {
        boolean isJsonForStream = form == AnswerForm.STREAM && attempt.answer() != null;
        if (!isJsonForStream) {
          keep(attempt, attempt.status());
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

  /** For the operator to mend, unless the key has been replaced meanwhile. */
  private void refuseUnlessReplaced(Attempt attempt, Function<Secret, ApiError> refusal) {
    Secret key = attempt.call().key();
    if (key.equals(shared.settings().current().keys().openRouter())) {
      refusedKey = key;
      refuse(inUpstreamsWords(refusal.apply(key)));
    } else {
      askNext();
    }
  }

  private ApiError inUpstreamsWords(ApiError error) {
    return Refusals.quoting(error, attempts.getLast().detail());
  }

  /** The first refusal is that of the best model. */
  private void refusedAndNext(Attempt attempt, int status) {
    refusals++;
    if (kept == null) {
      keep(attempt, status);
    }
    askNext();
  }

  private void keep(Attempt attempt, int status) {
    Kept before = kept;
    kept = new Kept(attempt, status);
    forget(before == null ? null : before.attempt());
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
          .addKeyValue("request_id", origin.requestId())
          .addKeyValue("model", attempt.model().id())
          .addKeyValue("advice", failed.advice())
          .log("model_blocked_by_account_settings");
    }
  }

  /**
   * The commit point of a stream: before it every failure falls over unseen, after it none does. A
   * plain answer is committed when it is complete.
   */
  private void commitStream(Attempt attempt) {
    // Nobody else will be asked; a stream can last longer than its request should be kept.
    request.release();
    String model = attempt.model().id();
    var sink =
        reply.stream(
            new Tags(model, attempts.size() + 1, Trail.of(attempts, model, attempt.status())));
    var started =
        new StreamRelay(
            sink,
            attempt,
            settings.limits(),
            shared.time(),
            age(),
            this::guard,
            (ending, verdict) -> streamEnded(attempt, ending, verdict));
    relay = started;
    attempt.relayTo(step -> guard(() -> started.accept(step)));
    started.begin(attempt.held(), attempt.finish());
  }

  /** When it broke, the model rests as it would have before, but nobody is asked. */
  private void streamEnded(Attempt attempt, StreamEnding ending, Verdict verdict) {
    settle(attempt, verdict);
    finish(200, attempt.model().id(), ending);
  }

  private void passThrough(PassedThrough answer) {
    finish(answer.status(), answer.model(), null);
    answer.sendTo(reply, tags(answer.model()));
  }

  private Tags tags(@Nullable String model) {
    return new Tags(model, attempts.size(), Trail.of(attempts));
  }

  /** Nobody is left to ask, or no time. */
  private void giveUp() {
    Duration wait = waitUntil(walk.firstWake());
    if (attempts.isEmpty()) {
      refuse(Refusals.allResting(walk.suitable().size(), walk.causesOfRests(), wait));
    } else if (kept != null && nothingBetterCanCome()) {
      passThrough(PassedThrough.of(kept.attempt(), kept.status()));
    } else if (strays.areAll()) {
      refuse(Refusals.notReached(strays.last(), attempts.getLast().detail(), settings.upstream()));
    } else {
      ApiError error = Refusals.allFailed(attempts, walk.causesOfRests(), wait);
      refuse(allWere(Outcome.UPSTREAM_ERROR) ? inUpstreamsWords(error) : error);
    }
  }

  /**
   * Whether every candidate said nothing at all, or every one that it cannot; or as many as may be
   * asked. Those that rest might have answered.
   */
  private boolean nothingBetterCanCome() {
    if (!mayAskAgain()) {
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

  private void refuse(AccountRest rest) {
    refuse(Refusals.accountLimited(rest, shared.time()));
  }

  private void refuse(ApiError error) {
    finish(error.status(), null, null);
    reply.error(error, tags(null));
  }

  private void clientGone() {
    if (over) {
      return;
    }
    boolean committed = relay != null;
    endAttempt();
    finish(
        committed ? 200 : ExchangeRecord.CLIENT_GONE,
        committed ? current().model().id() : null,
        committed ? StreamEnding.CLIENT_GONE : null);
  }

  /** Ends the exchange because the proxy stops. */
  void interrupt() {
    guard(() -> endWith(Refusals.shuttingDown()));
  }

  private void endWith(ApiError error) {
    if (over) {
      return;
    }
    if (relay == null) {
      endAttempt();
      refuse(error);
    } else {
      relay.interrupt(error);
      endAttempt();
      finish(200, current().model().id(), StreamEnding.MID_ERROR);
    }
  }

  /** Stops the attempt in flight; nobody is blamed for it. */
  private void endAttempt() {
    if (relay != null) {
      relay.stop();
    }
    if (current != null && current.isOpen()) {
      attempts.add(current.cancelled());
    }
  }

  /** What an attempt came to is remembered. */
  private void settle(Attempt attempt, Verdict verdict) {
    if (attempt.wasSentAgain()) {
      // A second try that does not count is had once.
      pooling = Pooling.FRESH;
    }
    attempts.add(attempt.settle(verdict));
  }

  /** Before the last bytes are written: who has them may look at the metrics, or ask again. */
  private void finish(int status, @Nullable String model, @Nullable StreamEnding ending) {
    over = true;
    if (pause != null) {
      paused = paused.plus(pause.cancel());
    }
    request.release();
    if (kept != null) {
      kept.attempt().forget();
    }
    forget(current);
    shared
        .sink()
        .done(
            new ExchangeRecord(
                origin.requestId(),
                age(),
                origin.arrival().plus(paused),
                status,
                request,
                model,
                attempts,
                selection.filteredOut(),
                relay == null || ending == null ? null : relay.record(ending),
                refusedKey == null ? null : refusedKey.tail()));
    onOver.accept(this);
  }

  private Duration age() {
    return shared.time().since(origin.beganNanos());
  }

  private Attempt current() {
    return Objects.requireNonNull(current, "no attempt yet");
  }

  private Duration waitUntil(Instant moment) {
    return Duration.between(shared.time().steady(), moment);
  }
}

package freellmproxy.exchange;

import freellmproxy.api.ApiError;
import freellmproxy.chat.ChatRequest;
import freellmproxy.config.Secret;
import freellmproxy.config.Settings;
import freellmproxy.exchange.ClientReply.Tags;
import freellmproxy.exchange.ExchangeRecord.StreamEnding;
import freellmproxy.exchange.ExchangeRecord.StreamRecord;
import freellmproxy.routing.CandidateSelector.Selection;
import freellmproxy.routing.CandidateWalk;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.Outcome;
import freellmproxy.upstream.Pooling;
import freellmproxy.upstream.UpstreamClient;
import freellmproxy.upstream.Verdict;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One chat request from selection to the last byte of its answer: asks one candidate after the
 * other until one answers. Lives on one event loop and needs no lock. Ends exactly once, by {@link
 * #finish} or {@link #reject}, on every path.
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
  private @Nullable Duration timeToFirstEvent;
  private @Nullable PassedThrough lastRefusal;
  private @Nullable Secret refusedKey;
  private int retriesOfModel;
  private Pooling pooling = Pooling.REUSE;
  private boolean over;

  /** An upstream answer that the client gets as it came, though it is no success. */
  private record PassedThrough(
      AnswerForm form,
      int status,
      @Nullable String contentType,
      @Nullable String retryAfter,
      Buffer body,
      String model) {}

  ChatExchange(
      Exchanges.Shared shared,
      UpstreamClient client,
      Exchanges.Origin origin,
      ChatRequest request,
      Selection selection,
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
    this.walk =
        new CandidateWalk(
            selection, request.requirements(), shared.cooldowns(), shared.learnedLimits());
    this.deadline = new Deadline(shared.time(), origin.startNanos(), settings.limits().deadline());
    this.reply = reply;
    this.onOver = onOver;
  }

  void begin() {
    reply.onGone(this::clientGone);
    if (walk.nobodySuits()) {
      reject("no_capable_model", Refusals.noCapableModel(walk.missing()));
      return;
    }
    Optional<Instant> accountRest = shared.cooldowns().accountRest();
    if (accountRest.isPresent()) {
      refuse(Refusals.accountLimited(waitUntil(accountRest.get())));
    } else {
      askNext();
    }
  }

  /** The loop: one candidate a round, until one answers or no round is left. */
  private void askNext() {
    if (!mayAskAgain() || !deadline.leavesTimeForAnAttempt()) {
      giveUp();
      return;
    }
    switch (walk.next()) {
      case CandidateWalk.Step.Ask ask -> {
        retriesOfModel = 0;
        ask(ask);
      }
      case CandidateWalk.Step.AccountRests rests ->
          refuse(Refusals.accountLimited(waitUntil(rests.until())));
      case CandidateWalk.Step.NobodyLeft none -> giveUp();
    }
  }

  /** Contract section 4: so many upstream calls for one request. */
  private boolean mayAskAgain() {
    return attempts.size() < fallback.maxAttempts();
  }

  private void ask(CandidateWalk.Step.Ask ask) {
    var attempt =
        new Attempt(
            ask.model(),
            ask.permit(),
            request,
            settings.limits(),
            deadline,
            verdict -> act(ask, verdict));
    current = attempt;
    attempt.start(client, pooling);
  }

  private void act(CandidateWalk.Step.Ask ask, Verdict verdict) {
    Attempt attempt = current();
    switch (verdict) {
      case Verdict.Useful useful -> commit(attempt);
      case Verdict.ModelFailed failed -> {
        record(attempt, verdict, attempt.permit().failed(failed.rest()));
        advise(attempt, failed);
        askAgainOrNext(ask, failed);
      }
      case Verdict.ModelUnfit unfit -> {
        attempt.permit().releasedWithoutBlame();
        walk.refusedBy(attempt.model(), unfit.unfit());
        record(attempt, verdict, null);
        lastRefusal = asItCame(attempt, unfit.status());
        askNext();
      }
      case Verdict.Empty empty -> {
        record(attempt, verdict, attempt.permit().answeredEmpty());
        boolean isJsonForStream = form == AnswerForm.STREAM && attempt.answer() != null;
        if (!isJsonForStream) {
          lastRefusal = asItCame(attempt, attempt.status());
        }
        askNext();
      }
      case Verdict.AccountLimited limited -> {
        @Nullable Instant until = attempt.permit().accountLimited(limited.until());
        record(attempt, verdict, until);
        if (until == null) {
          askNext();
        } else {
          refuse(Refusals.accountLimited(waitUntil(until)));
        }
      }
      case Verdict.KeyRefused refused -> {
        attempt.permit().releasedWithoutBlame();
        record(attempt, verdict, null);
        Secret key = attempt.call().key();
        if (key.equals(shared.settings().current().keys().openRouter())) {
          refusedKey = key;
          refuse(Refusals.keyRefused(key));
        } else {
          // It was replaced meanwhile.
          askNext();
        }
      }
      case Verdict.ClientError error -> {
        attempt.permit().releasedWithoutBlame();
        record(attempt, verdict, null);
        passThrough(asItCame(attempt, error.status()));
      }
    }
  }

  private void askAgainOrNext(CandidateWalk.Step.Ask ask, Verdict.ModelFailed failed) {
    Optional<Duration> pause =
        retriesOfModel < fallback.sameModelRetries() && mayAskAgain()
            ? SameModelRetry.pause(failed, shared.time().instant())
                .filter(deadline::leavesTimeForAnAttemptAfter)
            : Optional.empty();
    if (pause.isEmpty()) {
      askNext();
      return;
    }
    retriesOfModel++;
    shared
        .time()
        .after(
            pause.get(),
            () -> {
              if (!over) {
                ask(ask);
              }
            });
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

  /** The one commit point: before it every failure falls over unseen, after it none does. */
  private void commit(Attempt attempt) {
    if (form == AnswerForm.STREAM) {
      commitStream(attempt);
    } else {
      attempt.permit().succeeded();
      record(attempt, new Verdict.Useful(), null);
      passThrough(asItCame(attempt, attempt.status()));
    }
  }

  private void commitStream(Attempt attempt) {
    // Nobody else will be asked; a stream can last longer than its request should be kept.
    request.release();
    attempt.permit().answering();
    timeToFirstEvent = deadline.elapsed();
    var sink = reply.stream(new Tags(attempt.model().id(), attempts.size() + 1));
    var started =
        new StreamRelay(
            sink,
            attempt,
            settings.limits(),
            shared.time(),
            failure -> streamEnded(attempt, failure));
    relay = started;
    attempt.relayTo(started);
    started.begin(attempt.held());
  }

  private void streamEnded(Attempt attempt, Optional<Verdict> failure) {
    failure.ifPresentOrElse(
        verdict -> record(attempt, verdict, blame(attempt, verdict)),
        () -> {
          attempt.permit().succeeded();
          record(attempt, new Verdict.Useful(), null);
        });
    finish(
        200,
        attempt.model().id(),
        failure.isPresent() ? StreamEnding.MID_ERROR : StreamEnding.COMPLETE);
  }

  /** A committed stream broke: the model rests as it would have before, but nobody is asked. */
  private @Nullable Instant blame(Attempt attempt, Verdict verdict) {
    return switch (verdict) {
      case Verdict.ModelFailed failed -> attempt.permit().failed(failed.rest());
      case Verdict.AccountLimited limited -> attempt.permit().accountLimited(limited.until());
      case Verdict.Useful useful -> null;
      case Verdict.ModelUnfit unfit -> null;
      case Verdict.Empty empty -> null;
      case Verdict.KeyRefused refused -> null;
      case Verdict.ClientError error -> null;
    };
  }

  private PassedThrough asItCame(Attempt attempt, int status) {
    var answer = attempt.answer();
    String model = attempt.model().id();
    if (answer != null) {
      return new PassedThrough(
          AnswerForm.WHOLE,
          status,
          answer.headers().first("Content-Type"),
          answer.headers().first("Retry-After"),
          Buffer.buffer(answer.body()),
          model);
    }
    if (status >= 400) {
      byte[] error = attempt.held().getLast().data();
      return new PassedThrough(
          AnswerForm.WHOLE, status, "application/json", null, Buffer.buffer(error), model);
    }
    Buffer events = Buffer.buffer();
    attempt.held().forEach(event -> events.appendBuffer(event.encoded()));
    events.appendBuffer(StreamRelay.done());
    return new PassedThrough(AnswerForm.STREAM, status, null, null, events, model);
  }

  private void passThrough(PassedThrough answer) {
    finish(answer.status(), answer.model(), null);
    var tags = new Tags(answer.model(), attempts.size());
    if (answer.form() == AnswerForm.STREAM) {
      reply.stream(tags).end(answer.body());
    } else {
      reply.answer(answer.status(), answer.contentType(), answer.retryAfter(), answer.body(), tags);
    }
  }

  /** Nobody is left to ask, or no time. */
  private void giveUp() {
    Duration wait = waitUntil(walk.firstWake());
    if (attempts.isEmpty()) {
      refuse(Refusals.allResting(walk.suitable().size(), wait));
    } else if (lastRefusal != null && nothingBetterCanCome()) {
      passThrough(lastRefusal);
    } else {
      refuse(Refusals.allFailed(attempts, wait));
    }
  }

  /** Whether every candidate said nothing at all, or that it cannot; as many as may be asked. */
  private boolean nothingBetterCanCome() {
    boolean allEmpty = attempts.stream().allMatch(a -> a.outcome() == Outcome.EMPTY_ANSWER);
    boolean allUnfit = attempts.stream().allMatch(a -> a.outcome() == Outcome.MODEL_UNFIT);
    return allEmpty || (allUnfit && (walk.nobodySuits() || !mayAskAgain()));
  }

  private void refuse(ApiError error) {
    finish(error.status(), null, null);
    reply.error(error, new Tags(null, attempts.size()));
  }

  private void reject(String reason, ApiError error) {
    end();
    shared
        .sink()
        .rejected(
            new Rejection(
                origin.requestId(),
                reason,
                error.status(),
                request.traits(),
                selection.filteredOut(),
                selection.catalog().models().size(),
                deadline.elapsed()));
    onOver.accept(this);
    reply.error(error, new Tags(null, 0));
  }

  private void end() {
    over = true;
    request.release();
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
    if (over) {
      return;
    }
    ApiError error = Refusals.shuttingDown();
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
      current.abort();
      current.permit().releasedWithoutBlame();
      attempts.add(current.record(Outcome.CANCELLED, null, ""));
    }
  }

  private void record(Attempt attempt, Verdict verdict, @Nullable Instant restsUntil) {
    if (attempt.wasSentAgain()) {
      // A second try that does not count is had once.
      pooling = Pooling.FRESH;
    }
    attempts.add(attempt.record(verdict.outcome(), restsUntil, verdict.reason()));
  }

  /** Before the last bytes are written: who has them may look at the metrics, or ask again. */
  private void finish(int status, @Nullable String model, @Nullable StreamEnding ending) {
    end();
    StreamRecord stream =
        ending == null || relay == null || timeToFirstEvent == null
            ? null
            : new StreamRecord(relay.chunks(), ending, timeToFirstEvent);
    shared
        .sink()
        .done(
            new ExchangeRecord(
                origin.requestId(),
                deadline.elapsed(),
                status,
                request,
                model,
                attempts,
                selection.filteredOut(),
                stream,
                refusedKey == null ? null : refusedKey.tail()));
    onOver.accept(this);
  }

  private Attempt current() {
    return Objects.requireNonNull(current, "no attempt yet");
  }

  private Duration waitUntil(Instant moment) {
    return Duration.between(shared.time().instant(), moment);
  }
}

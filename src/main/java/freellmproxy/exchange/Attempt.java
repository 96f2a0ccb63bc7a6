package freellmproxy.exchange;

import freellmproxy.api.OwnFault;
import freellmproxy.catalog.Model;
import freellmproxy.chat.ChatRequest;
import freellmproxy.chat.ChatRequest.Trait;
import freellmproxy.config.Settings;
import freellmproxy.routing.AccountRest;
import freellmproxy.routing.Cooldowns.Permit;
import freellmproxy.sse.SseEvent;
import freellmproxy.time.Limit;
import freellmproxy.time.Time;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.ChatChunk;
import freellmproxy.upstream.Outcome;
import freellmproxy.upstream.Pooling;
import freellmproxy.upstream.ReplyClassifier;
import freellmproxy.upstream.ReplyHeaders;
import freellmproxy.upstream.Rest;
import freellmproxy.upstream.UpstreamCall;
import freellmproxy.upstream.UpstreamClient;
import freellmproxy.upstream.UpstreamReply;
import freellmproxy.upstream.UpstreamWords;
import freellmproxy.upstream.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One upstream call up to the moment its answer can be judged: a whole answer when it is complete,
 * a stream at its first useful event (contract section 6). What came until then is held, so that a
 * failure stays unseen.
 */
final class Attempt {
  private static final Logger LOG = LoggerFactory.getLogger(Attempt.class);

  /** Preambles are a few hundred bytes; more than this is no preamble. */
  private static final int MAX_HELD_BYTES = 1 << 20;

  /** What the heap needs for an event besides its data. */
  private static final int EVENT_OVERHEAD = 64;

  private static final Verdict EMPTY_STREAM = new Verdict.Empty("empty_stream");

  private final Model model;
  private final Permit permit;
  private final ChatRequest request;
  private final AnswerForm form;
  private final Settings.TimeLimits limits;
  private final Time time;
  private final Deadline deadline;
  private final long startNanos;
  private final Supplier<Duration> patience;
  private final BiConsumer<Attempt, Verdict> onJudged;
  private final List<SseEvent> held = new ArrayList<>(2);
  private final Limit limit;

  private @Nullable UpstreamCall call;
  private String beyondLimit = "";
  private @Nullable Consumer<UpstreamReply> relay;
  private UpstreamReply.@Nullable Answer answer;
  private boolean judged;
  private boolean recorded;
  private boolean finishSeen;
  private boolean isAnswering;
  private int heldBytes;
  private @Nullable String detail;
  private ReplyHeaders headers = ReplyHeaders.NONE;
  private int status;
  private int timesSent;

  /**
   * Describes the attempt; {@link #start} makes it.
   *
   * @param patience asked when its own limit is reached before it answers: how much longer to wait
   * @param onJudged told once, unless the attempt is aborted before
   */
  Attempt(
      Model model,
      Permit permit,
      ChatRequest request,
      Settings.TimeLimits limits,
      Deadline deadline,
      Supplier<Duration> patience,
      BiConsumer<Attempt, Verdict> onJudged) {
    this.model = model;
    this.permit = permit;
    this.request = request;
    this.form = AnswerForm.of(request);
    this.limits = limits;
    this.deadline = deadline;
    this.time = deadline.time();
    this.startNanos = time.nanos();
    this.patience = patience;
    this.onJudged = onJudged;
    this.limit = new Limit(time, this::limitReached);
  }

  void start(UpstreamClient client, Pooling pooling) {
    limit.in(deadline.cap(limits.attempt()));
    boolean mayCall = form == AnswerForm.STREAM && request.traits().contains(Trait.HAD_TOOLS);
    Consumer<UpstreamReply> steps = mayCall ? new SpokenCallGuard(this::accept) : this::accept;
    call = client.call(() -> request.bodyFor(model.id()), form, steps);
    call.start(pooling);
  }

  Model model() {
    return model;
  }

  /** HTTP status, 0 before there is one. */
  int status() {
    return status;
  }

  /** Whether the connection it began on had gone stale. */
  boolean wasSentAgain() {
    return timesSent > 1;
  }

  Duration duration() {
    return time.since(startNanos);
  }

  /** Whether it has been neither settled nor cancelled yet. */
  boolean isOpen() {
    return !recorded;
  }

  /** Says to the permit what came of it: the one place where a verdict becomes a rest. */
  AttemptRecord settle(Verdict verdict) {
    @Nullable Instant restsUntil =
        switch (verdict) {
          case Verdict.Useful useful -> {
            permit.succeeded();
            yield null;
          }
          case Verdict.ModelFailed failed -> permit.failed(failed.rest(), failed.reason());
          case Verdict.AccountLimited limited -> {
            @Nullable AccountRest rest = permit.accountLimited(limited.allowance(), limited.hint());
            yield rest == null ? null : rest.until();
          }
          case Verdict.HostRefused refused ->
              refused.rest() == null
                  ? withoutBlame()
                  : permit.failed(refused.rest(), refused.reason());
          case Verdict.Empty _ -> permit.answeredEmpty();
          case Verdict.ModelUnfit _,
              Verdict.NotReached _,
              Verdict.AccountBlocked _,
              Verdict.KeyRefused _,
              Verdict.ProxyOverloaded _,
              Verdict.ClientError _ ->
              withoutBlame();
        };
    return record(verdict.outcome(), restsUntil, verdict.reason());
  }

  /**
   * It was its model's fault after all.
   *
   * @return until when that rests now, by the wall clock
   */
  Instant blame(String reason) {
    return time.onTheWall(permit.failed(new Rest(Rest.Kind.ERROR, null), reason));
  }

  private @Nullable Instant withoutBlame() {
    permit.releasedWithoutBlame();
    return null;
  }

  /** Gives up at once, for no fault of the model; no verdict is told any more. */
  AttemptRecord cancelled() {
    judged = true;
    limit.cancel();
    if (call != null) {
      call.abort();
    }
    return record(Outcome.CANCELLED, withoutBlame(), "");
  }

  private AttemptRecord record(Outcome outcome, @Nullable Instant restsUntil, String reason) {
    recorded = true;
    return new AttemptRecord(
        model.id(),
        outcome,
        status,
        duration(),
        restsUntil == null ? null : time.onTheWall(restsUntil),
        reason,
        detail);
  }

  /** The whole answer; null when the upstream streamed or gave none. */
  UpstreamReply.@Nullable Answer answer() {
    return answer;
  }

  /** The events of a stream up to the one that decided. */
  List<SseEvent> held() {
    return held;
  }

  /** Whether the finish is among them. */
  StreamRelay.Finish finish() {
    return finishSeen ? StreamRelay.Finish.SEEN : StreamRelay.Finish.TO_COME;
  }

  /** Its answer and its events are not needed any more. */
  void forget() {
    held.clear();
    answer = null;
    if (call != null) {
      call.forget();
    }
  }

  /** The call behind this attempt, to go on with after a verdict. */
  UpstreamCall call() {
    return Objects.requireNonNull(call, "not started");
  }

  /** It answers: hands everything that comes from now on to {@code relay}. */
  void relayTo(Consumer<UpstreamReply> relay) {
    permit.answering();
    this.relay = relay;
  }

  private void accept(UpstreamReply step) {
    if (relay != null) {
      relay.accept(step);
    } else if (!judged) {
      try {
        judge(step);
      } catch (Throwable thrown) {
        Throwable bug = OwnFault.of(thrown);
        // Another model's answer may not meet it.
        LOG.atError().setCause(bug).addKeyValue("model", model.id()).log("answer_not_judged");
        judged(ReplyClassifier.judgeFailure("not_judged"));
      }
    }
  }

  private void judge(UpstreamReply step) {
    switch (step) {
      case UpstreamReply.Sent sent -> {
        timesSent++;
        allow(deadline.cap(limits.attempt()), "no_head_in_time");
      }
      case UpstreamReply.Head head -> readHead(head);
      case UpstreamReply.Answer whole -> judgeAnswer(whole);
      case UpstreamReply.Event event -> judgeEvent(event.event(), event.chunk());
      case UpstreamReply.ErrorEvent error -> judgeError(error.event());
      case UpstreamReply.Done done -> judged(EMPTY_STREAM);
      case UpstreamReply.StreamEnd end ->
          judged(finishSeen ? EMPTY_STREAM : ReplyClassifier.judgeFailure("stream_cut"));
      case UpstreamReply.Failure failure -> judgeFailure(failure);
    }
  }

  private void judgeFailure(UpstreamReply.Failure failure) {
    UpstreamReply.Fault fault = failure.fault();
    if (fault.isOurs()) {
      judged(new Verdict.ProxyOverloaded(fault));
    } else if (fault.isOfTheWay()) {
      notReached(fault.label(), failure.why());
    } else {
      broken(fault.label());
    }
  }

  private void notReached(String reason, String why) {
    detail = why.isEmpty() ? null : why;
    judged(ReplyClassifier.judgeNoConnection(reason, why));
  }

  private void readHead(UpstreamReply.Head head) {
    status = head.status();
    headers = head.headers();
    if (form == AnswerForm.WHOLE && status / 100 == 2) {
      // A plain answer that has begun may take its time; see docs/decisions on the deadline.
      isAnswering = true;
      allow(limits.answer(), "answer_too_slow");
    } else {
      beyondLimit = "no_useful_event_in_time";
    }
  }

  private void judgeAnswer(UpstreamReply.Answer whole) {
    answer = whole;
    Verdict verdict =
        ReplyClassifier.judgeAnswer(
            whole.status(), whole.headers(), whole.body(), request.providers(), time.instant());
    detail = UpstreamWords.of(verdict, whole.body(), call().redactor());
    judged(verdict instanceof Verdict.Useful ? judgeUseful(whole) : verdict);
  }

  private Verdict judgeUseful(UpstreamReply.Answer whole) {
    if (form == AnswerForm.STREAM) {
      return ReplyClassifier.judgeFailure("no_event_stream");
    }
    if (!request.traits().contains(Trait.HAD_TOOLS)) {
      return new Verdict.Useful();
    }
    var use = new ToolUse(whole.body(), request);
    answer = whole.with(use.mendedAnswer());
    return use.judge();
  }

  private void judgeError(SseEvent error) {
    held.add(error);
    Verdict verdict =
        ReplyClassifier.judgeErrorOf200(headers, error.data(), request.providers(), time.instant());
    detail = UpstreamWords.of(verdict, error.data(), call().redactor());
    judged(verdict);
  }

  private void judgeEvent(SseEvent event, ChatChunk chunk) {
    heldBytes += event.data().length + EVENT_OVERHEAD;
    held.add(event);
    finishSeen |= chunk.finishReason() != null;
    if (!call().holds(heldBytes)) {
      judged(new Verdict.ProxyOverloaded(UpstreamReply.Fault.NO_MEMORY));
    } else if (chunk.isUseful()) {
      judged(new Verdict.Useful());
    } else if (heldBytes > MAX_HELD_BYTES) {
      judged(ReplyClassifier.judgeFailure("endless_preamble"));
    }
  }

  private void allow(Duration length, String beyond) {
    limit.in(length);
    beyondLimit = beyond;
  }

  private void limitReached() {
    Duration more = isAnswering ? Duration.ZERO : patience.get();
    if (more.isPositive()) {
      limit.in(more);
    } else if (timesSent == 0) {
      notReached("no_connection_in_time", "");
    } else {
      broken(beyondLimit);
    }
  }

  private void broken(String reason) {
    judged(ReplyClassifier.judgeBrokenAnswer(status, headers, reason, time.instant()));
  }

  private void judged(Verdict verdict) {
    if (judged) {
      return;
    }
    judged = true;
    limit.cancel();
    if (!(verdict instanceof Verdict.Useful)) {
      // Whatever else the upstream would send is not wanted; after a whole answer this does
      // nothing.
      call().abort();
    }
    onJudged.accept(this, verdict);
  }
}

package freellmproxy.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;

import freellmproxy.api.ApiError;
import freellmproxy.chat.Providers;
import freellmproxy.config.Redactor;
import freellmproxy.config.Settings;
import freellmproxy.exchange.ExchangeRecord.StreamEnding;
import freellmproxy.exchange.ExchangeRecord.StreamRecord;
import freellmproxy.sse.SseEvent;
import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import freellmproxy.upstream.ChatChunk;
import freellmproxy.upstream.ReplyClassifier;
import freellmproxy.upstream.ReplyHeaders;
import freellmproxy.upstream.UpstreamCall;
import freellmproxy.upstream.UpstreamReply;
import freellmproxy.upstream.Verdict;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Carries a committed stream to the client, event by event (contract section 6). From here on no
 * failure can be hidden, so the stream ends in exactly one of three ways: complete, with an error
 * frame, or because the client went.
 */
final class StreamRelay implements Consumer<UpstreamReply> {
  private static final byte[] DONE = "data: [DONE]\n\n".getBytes(UTF_8);
  private static final byte[] KEEP_ALIVE = ": keep-alive\n\n".getBytes(UTF_8);

  /** What may come behind a finish reason, the usage and the end marker, comes at once. */
  private static final Duration LAST_EVENTS = Duration.ofSeconds(10);

  private final ClientReply.EventSink sink;
  private final UpstreamCall call;
  private final Redactor redactor;
  private final Settings.TimeLimits limits;
  private final Time time;
  private final String model;
  private final Duration timeToFirstEvent;
  private final Consumer<Runnable> guard;
  private final BiConsumer<StreamEnding, Verdict> onEnd;

  /** Whether the model has said why it stopped. */
  enum Finish {
    SEEN,
    TO_COME
  }

  private @Nullable Timer watch;

  /** Of the model: what says nothing may come from a server whose model is gone. */
  private long lastOutputNanos;

  private long lastWriteNanos;
  private boolean paused;
  private boolean finishSeen;
  private boolean ended;
  private int chunks;

  /**
   * Describes the relay; {@link #begin} starts it.
   *
   * @param guard runs what a timer or the client sets off, and ends the stream when that throws
   * @param onEnd told once how it ended for the client and what that says about the model; not when
   *     {@link #stop} ended it
   */
  StreamRelay(
      ClientReply.EventSink sink,
      Attempt attempt,
      Settings.TimeLimits limits,
      Time time,
      Duration timeToFirstEvent,
      Consumer<Runnable> guard,
      BiConsumer<StreamEnding, Verdict> onEnd) {
    this.sink = sink;
    this.call = attempt.call();
    this.redactor = call.redactor();
    this.model = attempt.model().id();
    this.limits = limits;
    this.time = time;
    this.timeToFirstEvent = timeToFirstEvent;
    this.guard = guard;
    this.onEnd = onEnd;
  }

  /** OpenAI's end marker as an event. */
  static Buffer done() {
    return Buffer.buffer(DONE);
  }

  /** The event without secrets, which are found within one event only. */
  static SseEvent redacted(SseEvent event, Redactor redactor) {
    byte[] data = redactor.redact(event.data());
    return event.name() == null && Arrays.equals(data, event.data())
        ? event
        : new SseEvent(redactor.redact(event.name()), data);
  }

  /**
   * Sends what was held.
   *
   * @param finish whether the finish is among it
   */
  void begin(List<SseEvent> held, Finish finish) {
    lastOutputNanos = time.nanos();
    sink.onDrain(() -> guard.accept(this::drained));
    finishSeen = finish == Finish.SEEN;
    held.forEach(this::forward);
    call.holds(0);
    watch();
  }

  StreamRecord record(StreamEnding ending) {
    return new StreamRecord(chunks, ending, timeToFirstEvent);
  }

  @Override
  public void accept(UpstreamReply step) {
    if (ended) {
      return;
    }
    switch (step) {
      case UpstreamReply.Event event -> relay(event.event(), event.chunk());
      case UpstreamReply.ErrorEvent error -> fail(judge(error.event()));
      case UpstreamReply.Done done -> complete(done);
      case UpstreamReply.StreamEnd end -> upstreamEnded(ReplyClassifier.judgeFailure("stream_cut"));
      case UpstreamReply.Failure failure -> upstreamEnded(judge(failure.fault()));
      case UpstreamReply.Sent sent -> {}
      case UpstreamReply.Head head -> {}
      case UpstreamReply.Answer answer -> {}
    }
  }

  private void relay(SseEvent event, ChatChunk chunk) {
    forward(event);
    boolean finishesNow = chunk.finishReason() != null && !finishSeen;
    if (finishesNow || chunk.isUseful()) {
      lastOutputNanos = time.nanos();
    }
    if (finishesNow) {
      finishSeen = true;
      watch();
    }
  }

  /** It had begun to serve the request, so the providers cannot be what is wrong. */
  private Verdict judge(SseEvent error) {
    return ReplyClassifier.judgeErrorOf200(
        ReplyHeaders.NONE, error.data(), Providers.ANY, time.instant());
  }

  private void forward(SseEvent event) {
    chunks++;
    write(redacted(event, redactor).encoded());
    if (sink.isFull() && !paused) {
      paused = true;
      call.pause();
    }
  }

  private void write(Buffer bytes) {
    lastWriteNanos = time.nanos();
    sink.write(bytes);
  }

  private void drained() {
    if (paused && !ended) {
      paused = false;
      // While we did not read, the upstream could not be silent.
      lastOutputNanos = time.nanos();
      watch();
      call.resume();
    }
  }

  private static Verdict judge(UpstreamReply.Fault fault) {
    return fault.isOurs()
        ? new Verdict.ProxyOverloaded(fault)
        : ReplyClassifier.judgeFailure(fault.label());
  }

  /** With a finish reason nothing is missing but the end marker, however the upstream ended. */
  private void upstreamEnded(Verdict verdict) {
    if (finishSeen) {
      complete();
    } else {
      fail(verdict);
    }
  }

  private void complete() {
    call.release();
    end(done(), StreamEnding.COMPLETE, new Verdict.Useful());
  }

  /** The client has the whole answer; a model that has to be helped to it is not asked so soon. */
  private void complete(UpstreamReply.Done done) {
    if (done.finish() == null) {
      complete();
      return;
    }
    forward(done.finish());
    call.release();
    end(done(), StreamEnding.COMPLETE, ReplyClassifier.judgeFailure("finish_left_out"));
  }

  private void fail(Verdict verdict) {
    ApiError error =
        verdict instanceof Verdict.ProxyOverloaded overloaded
            ? Refusals.overloaded(overloaded)
            : interrupted(verdict);
    end(ErrorFrame.of(error, model), StreamEnding.MID_ERROR, verdict);
  }

  private ApiError interrupted(Verdict verdict) {
    return new ApiError(
        502,
        "server_error",
        "stream_interrupted",
        "The model %s stopped in the middle of its answer (%s). What was sent so far is incomplete; ask again."
            .formatted(model, verdict.reason()),
        null,
        ApiError.Retry.UNSAID);
  }

  /** Ends the stream for a reason of our own, with an error frame. */
  void interrupt(ApiError error) {
    if (!ended) {
      stop();
      sink.end(ErrorFrame.of(error, model));
    }
  }

  private void end(Buffer last, StreamEnding ending, Verdict verdict) {
    stop();
    // First: a client that has its end may ask again at once, and must not meet the same failure.
    try {
      onEnd.accept(ending, verdict);
    } finally {
      sink.end(last);
    }
  }

  /** Ends the upstream call; nothing more is written and nobody is told. */
  void stop() {
    ended = true;
    if (watch != null) {
      watch.cancel();
    }
    call.abort();
  }

  /** One timer for both silences: ours towards the client, and the upstream's towards us. */
  private void watch() {
    if (watch != null) {
      watch.cancel();
    }
    if (!ended) {
      Duration untilStall = longestSilence().minus(time.since(lastOutputNanos));
      Duration untilComment = limits.keepAlive().minus(time.since(lastWriteNanos));
      boolean mayComment = !finishSeen && !paused;
      Duration next =
          mayComment && untilComment.compareTo(untilStall) < 0 ? untilComment : untilStall;
      watch = time.after(next, () -> guard.accept(this::lookAtSilence));
    }
  }

  private Duration longestSilence() {
    Duration idle = limits.streamIdle();
    return finishSeen && idle.compareTo(LAST_EVENTS) > 0 ? LAST_EVENTS : idle;
  }

  private void lookAtSilence() {
    if (!paused && time.since(lastOutputNanos).compareTo(longestSilence()) >= 0) {
      upstreamEnded(ReplyClassifier.judgeFailure("stream_stalled"));
      return;
    }
    // No comment after the last data event (docs/clients.md, wire rule 4).
    if (!paused && !finishSeen && time.since(lastWriteNanos).compareTo(limits.keepAlive()) >= 0) {
      write(Buffer.buffer(KEEP_ALIVE));
    }
    if (paused) {
      lastOutputNanos = time.nanos();
    }
    watch();
  }
}

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
import java.util.Optional;
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
  private final UnreadableEvents unreadable;
  private final Duration timeToFirstEvent;
  private final Consumer<Runnable> guard;
  private final Consumer<Optional<Verdict>> onEnd;

  private @Nullable Timer watch;
  private long lastEventNanos;
  private long lastWriteNanos;
  private boolean paused;
  private boolean finishSeen;
  private boolean ended;
  private int chunks;

  /**
   * Describes the relay; {@link #begin} starts it.
   *
   * @param guard runs what a timer or the client sets off, and ends the stream when that throws
   * @param onEnd told once, with what went wrong or nothing; not when {@link #stop} ended it
   */
  StreamRelay(
      ClientReply.EventSink sink,
      Attempt attempt,
      Settings.TimeLimits limits,
      Time time,
      Duration timeToFirstEvent,
      Consumer<Runnable> guard,
      Consumer<Optional<Verdict>> onEnd) {
    this.sink = sink;
    this.call = attempt.call();
    this.redactor = call.redactor();
    this.model = attempt.model().id();
    this.unreadable = attempt.unreadable();
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
    boolean isOnlyData = event.name() == null && event.id() == null;
    return isOnlyData && Arrays.equals(data, event.data())
        ? event
        : new SseEvent(redactor.redact(event.name()), redactor.redact(event.id()), data);
  }

  void begin(List<SseEvent> held) {
    lastEventNanos = time.nanos();
    sink.onDrain(() -> guard.accept(this::drained));
    for (SseEvent event : held) {
      finishSeen |= ChatChunk.read(event.data()).finishReason() != null;
      forward(event);
    }
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
      case UpstreamReply.Event event -> relay(event.event());
      case UpstreamReply.StreamEnd end -> upstreamEnded(ReplyClassifier.judgeFailure("stream_cut"));
      case UpstreamReply.Failure failure -> upstreamEnded(judge(failure.fault()));
      case UpstreamReply.Sent sent -> {}
      case UpstreamReply.Head head -> {}
      case UpstreamReply.Answer answer -> {}
    }
  }

  private void relay(SseEvent event) {
    if (event.isDone()) {
      complete();
      return;
    }
    ChatChunk chunk = ChatChunk.read(event.data());
    if (event.isNamedError() || chunk.isError()) {
      // It had begun to serve the request, so the providers cannot be what is wrong.
      fail(
          ReplyClassifier.judgeErrorOf200(
              ReplyHeaders.NONE, event.data(), Providers.ANY, time.instant()));
      return;
    }
    if (!chunk.isJson()) {
      unreadable.dropped();
      return;
    }
    lastEventNanos = time.nanos();
    forward(event);
    if (chunk.finishReason() != null && !finishSeen) {
      finishSeen = true;
      watch();
    }
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
      lastEventNanos = time.nanos();
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
    end(done(), Optional.empty());
  }

  private void fail(Verdict verdict) {
    ApiError error =
        verdict instanceof Verdict.ProxyOverloaded overloaded
            ? Refusals.overloaded(overloaded)
            : interrupted(verdict);
    end(ErrorFrame.of(error, model), Optional.of(verdict));
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

  private void end(Buffer last, Optional<Verdict> failure) {
    stop();
    // First: a client that has its end may ask again at once, and must not meet the same failure.
    try {
      onEnd.accept(failure);
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
    unreadable.streamEnded();
  }

  /** One timer for both silences: ours towards the client, and the upstream's towards us. */
  private void watch() {
    if (watch != null) {
      watch.cancel();
    }
    if (!ended) {
      Duration untilStall = longestSilence().minus(time.since(lastEventNanos));
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
    if (!paused && time.since(lastEventNanos).compareTo(longestSilence()) >= 0) {
      upstreamEnded(ReplyClassifier.judgeFailure("stream_stalled"));
      return;
    }
    // No comment after the last data event (docs/clients.md, wire rule 4).
    if (!paused && !finishSeen && time.since(lastWriteNanos).compareTo(limits.keepAlive()) >= 0) {
      write(Buffer.buffer(KEEP_ALIVE));
    }
    if (paused) {
      lastEventNanos = time.nanos();
    }
    watch();
  }
}

package freellmproxy.exchange;

import freellmproxy.api.ApiError;
import freellmproxy.api.OwnFault;
import freellmproxy.chat.ChatRequest;
import freellmproxy.config.Secret;
import freellmproxy.exchange.ClientReply.Tags;
import freellmproxy.exchange.ExchangeRecord.StreamEnding;
import freellmproxy.routing.CandidateSelector.Selection;
import freellmproxy.routing.CandidateWalk;
import freellmproxy.upstream.UpstreamClient;
import freellmproxy.upstream.Verdict;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The life of one chat request, from the search for a model to the last byte of its answer. Lives
 * on one event loop and needs no lock. Ends exactly once, by {@link #finish}, on every path.
 */
final class ChatExchange {
  private static final Logger LOG = LoggerFactory.getLogger(ChatExchange.class);

  private final Exchanges.Shared shared;
  private final Exchanges.Origin origin;
  private final ChatRequest request;
  private final Selection selection;
  private final Search search;
  private final ClientReply reply;
  private final Consumer<ChatExchange> onOver;

  private @Nullable Committed committed;
  private @Nullable Secret refusedKey;
  private boolean over;

  /** A stream that the client reads, and the attempt that it comes from. */
  private record Committed(Attempt attempt, StreamRelay relay) {
    String model() {
      return attempt.model().id();
    }
  }

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
    this.origin = origin;
    this.request = request;
    this.selection = selection;
    this.search = new Search(shared, client, origin, request, walk, this::guard, this::found);
    this.reply = reply;
    this.onOver = onOver;
  }

  void begin() {
    guard(() -> {
      reply.onGone(() -> guard(this::clientGone));
      search.begin();
    });
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

  private void found(Search.End end) {
    switch (end) {
      case Search.End.Found stream -> commit(stream.attempt());
      case Search.End.PassOn answer ->
          passThrough(PassedThrough.of(answer.attempt(), answer.status()));
      case Search.End.Nobody nobody -> {
        refusedKey = nobody.refusedKey();
        refuse(nobody.error());
      }
    }
  }

  /**
   * The commit point of a stream: before it every failure falls over unseen, after it none does. A
   * plain answer is committed when it is complete.
   */
  private void commit(Attempt attempt) {
    // Nobody else will be asked; a stream can last longer than its request should be kept.
    request.release();
    String model = attempt.model().id();
    var sink =
        reply.stream(
            new Tags(
                model,
                search.attempts().size() + 1,
                Trail.of(search.attempts(), model, attempt.status())));
    var relay =
        new StreamRelay(
            sink,
            attempt,
            shared.settings().current().limits(),
            shared.time(),
            age(),
            this::guard,
            (ending, verdict) -> streamEnded(attempt, ending, verdict));
    committed = new Committed(attempt, relay);
    attempt.relayTo(step -> guard(() -> relay.accept(step)));
    relay.begin(attempt.held(), attempt.finish());
  }

  /** When it broke, the model rests as it would have before, but nobody is asked. */
  private void streamEnded(Attempt attempt, StreamEnding ending, Verdict verdict) {
    search.settle(attempt, verdict);
    finish(200, attempt.model().id(), ending);
  }

  private void passThrough(PassedThrough answer) {
    finish(answer.status(), answer.model(), null);
    answer.sendTo(reply, tags(answer.model()));
  }

  private Tags tags(@Nullable String model) {
    return new Tags(model, search.attempts().size(), Trail.of(search.attempts()));
  }

  private void refuse(ApiError error) {
    finish(error.status(), null, null);
    reply.error(error, tags(null));
  }

  private void clientGone() {
    if (over) {
      return;
    }
    stop();
    if (committed == null) {
      finish(ExchangeRecord.CLIENT_GONE, null, null);
    } else {
      finish(200, committed.model(), StreamEnding.CLIENT_GONE);
    }
  }

  /** Ends the exchange because the proxy stops. */
  void interrupt() {
    guard(() -> endWith(Refusals.shuttingDown()));
  }

  private void endWith(ApiError error) {
    if (over) {
      return;
    }
    if (committed == null) {
      stop();
      refuse(error);
    } else {
      committed.relay().interrupt(error);
      stop();
      finish(200, committed.model(), StreamEnding.MID_ERROR);
    }
  }

  private void stop() {
    if (committed != null) {
      committed.relay().stop();
    }
    search.stop();
  }

  /** Before the last bytes are written: who has them may look at the metrics, or ask again. */
  private void finish(int status, @Nullable String model, @Nullable StreamEnding ending) {
    over = true;
    request.release();
    search.forgetAll();
    shared
        .sink()
        .done(
            new ExchangeRecord(
                origin.requestId(),
                age(),
                origin.arrival().plus(search.paused()),
                status,
                request,
                model,
                search.attempts(),
                selection.filteredOut(),
                committed == null || ending == null ? null : committed.relay().record(ending),
                refusedKey == null ? null : refusedKey.tail()));
    onOver.accept(this);
  }

  private Duration age() {
    return shared.time().since(origin.beganNanos());
  }
}

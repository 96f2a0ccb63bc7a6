package freellmproxy.exchange;

import freellmproxy.api.ApiError;
import freellmproxy.catalog.Catalog;
import freellmproxy.chat.ChatRequest;
import freellmproxy.config.LiveSettings;
import freellmproxy.exchange.ClientReply.Tags;
import freellmproxy.routing.CandidateSelector;
import freellmproxy.routing.CandidateSelector.Selection;
import freellmproxy.routing.CandidateWalk;
import freellmproxy.routing.Cooldowns;
import freellmproxy.routing.LearnedLimits;
import freellmproxy.time.Time;
import freellmproxy.upstream.AnswerMemory;
import freellmproxy.upstream.UpstreamClient;
import java.time.Duration;

/**
 * Starts exchanges and knows the open ones. One per event loop; {@link #begin} and {@link
 * #interruptAll} must be called there, {@link #open} may be called anywhere.
 */
public final class Exchanges {
  private final Shared shared;
  private final UpstreamClient client;
  private final CandidateSelector selector = new CandidateSelector();
  private final OpenExchanges open = new OpenExchanges();

  public Exchanges(Shared shared, UpstreamClient client) {
    this.shared = shared;
    this.client = client;
  }

  /** What the exchanges of all event loops share; every part is thread-safe. */
  public record Shared(
      LiveSettings settings,
      Cooldowns cooldowns,
      LearnedLimits learnedLimits,
      Time time,
      ExchangeSink sink,
      AnswerMemory answerMemory) {}

  /**
   * Where a request comes from, with moments of {@link Time#nanos()}.
   *
   * @param beganNanos when its head had come
   * @param completeNanos when its body had come too
   */
  public record Origin(String requestId, long beganNanos, long completeNanos) {
    /** How long its body took, which takes nothing from the search for a model. */
    Duration arrival() {
      return Duration.ofNanos(completeNanos - beganNanos);
    }
  }

  /** Answers a request, sooner or later, by exactly one call to {@code reply}. */
  public void begin(Origin origin, ChatRequest request, Catalog catalog, ClientReply reply) {
    Selection selection = selector.select(catalog, request.requirements());
    var walk =
        new CandidateWalk(
            selection, request.requirements(), shared.cooldowns(), shared.learnedLimits());
    if (walk.nobodySuits()) {
      reject(origin, request, selection, Refusals.noCapableModel(walk.missing()), reply);
      return;
    }
    if (shared.answerMemory().isTight()) {
      // A call whose answer may find no room would be wasted.
      reject(origin, request, selection, Refusals.outOfMemory(), reply);
      return;
    }
    var exchange =
        new ChatExchange(shared, client, origin, request, selection, walk, reply, open::remove);
    open.add(exchange);
    exchange.begin();
  }

  private void reject(
      Origin origin, ChatRequest request, Selection selection, ApiError error, ClientReply reply) {
    request.release();
    var rejection =
        new Rejection(
            origin.requestId(),
            error.code(),
            error.status(),
            request.traits(),
            selection.filteredOut(),
            selection.catalog().models().size(),
            shared.time().since(origin.beganNanos()));
    // Counted first: who has the answer may look at the metrics.
    shared.sink().rejected(rejection);
    reply.error(error, Tags.NONE);
  }

  /** Requests that have not got their whole answer yet. */
  public int open() {
    return open.count();
  }

  /** Ends every open exchange with an error, because the proxy stops. */
  public void interruptAll() {
    open.all().forEach(ChatExchange::interrupt);
  }
}

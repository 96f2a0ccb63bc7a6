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
      ExchangeSink sink) {}

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
      request.release();
      ApiError error = Refusals.noCapableModel(walk.missing());
      // Counted first: who has the answer may look at the metrics.
      shared.sink().rejected(rejection(origin, request, selection, error));
      reply.error(error, new Tags(null, 0));
      return;
    }
    var exchange =
        new ChatExchange(shared, client, origin, request, selection, walk, reply, open::remove);
    open.add(exchange);
    exchange.begin();
  }

  private Rejection rejection(
      Origin origin, ChatRequest request, Selection selection, ApiError error) {
    return new Rejection(
        origin.requestId(),
        "no_capable_model",
        error.status(),
        request.traits(),
        selection.filteredOut(),
        selection.catalog().models().size(),
        shared.time().since(origin.beganNanos()));
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

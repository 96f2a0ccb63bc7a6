package freellmproxy;

import freellmproxy.exchange.Exchanges;
import freellmproxy.http.HttpFront;
import freellmproxy.upstream.UpstreamClient;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;

/** One event loop with a server, a client and its own exchanges ({@code ARCHITECTURE.md}). */
final class EventLoop extends VerticleBase {
  private final HttpFront.Shared shared;
  private final int port;

  // Set by start, before anybody can see this loop as deployed.
  @SuppressWarnings("NullAway.Init")
  private UpstreamClient client;

  @SuppressWarnings("NullAway.Init")
  private Exchanges exchanges;

  @SuppressWarnings("NullAway.Init")
  private HttpFront front;

  private int actualPort;

  /** A loop that listens on {@code port}; loops with the same port share its connections. */
  EventLoop(HttpFront.Shared shared, int port) {
    this.shared = shared;
    this.port = port;
  }

  @Override
  public Future<?> start() {
    Exchanges.Shared exchange = shared.exchange();
    client =
        new UpstreamClient(vertx, exchange.settings(), exchange.answerMemory(), exchange.time());
    exchanges = new Exchanges(exchange, client);
    front = new HttpFront(vertx, shared, exchanges);
    return front
        .listen(exchange.settings().current().listen().host(), port)
        .onSuccess(bound -> actualPort = bound);
  }

  int port() {
    return actualPort;
  }

  int openExchanges() {
    return exchanges.open();
  }

  int openRequests() {
    return front.openRequests();
  }

  void interruptExchanges() {
    context.runOnContext(now -> exchanges.interruptAll());
  }

  @Override
  public Future<?> stop() {
    client.close();
    return front.close();
  }
}

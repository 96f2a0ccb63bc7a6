package freellmproxy.http;

import freellmproxy.catalog.CatalogRefresher;
import freellmproxy.config.LiveSettings;
import freellmproxy.exchange.Exchanges;
import freellmproxy.observe.Metrics;
import freellmproxy.time.Time;
import freellmproxy.upstream.AnswerMemory;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;

/** The HTTP server of one event loop with all endpoints of contract section 3. */
public final class HttpFront {
  private final HttpServer server;
  private final ConnectionGuard guard;
  private final Routes routes;
  private final Time time;
  private final AnswerMemory memory;
  private final ResponseDate date;

  /**
   * What all event loops share.
   *
   * @param reload reads the settings again; blocks
   */
  public record Shared(
      Exchanges.Shared exchange,
      CatalogRefresher refresher,
      FirstList firstList,
      Metrics metrics,
      IgnoredModels ignoredModels,
      RefusalLog refusalLog,
      LargeBodies largeBodies,
      BooleanSupplier isStopping,
      Callable<LiveSettings.Reload> reload) {}

  /** Must be called on the event loop it is for. */
  public HttpFront(Vertx vertx, Shared shared, Exchanges exchanges) {
    this.time = shared.exchange().time();
    this.memory = shared.exchange().answerMemory();
    this.date = new ResponseDate(time);
    this.guard = new ConnectionGuard(time, shared.isStopping());
    this.routes = routes(vertx, shared, exchanges);
    this.server =
        vertx
            .createHttpServer(options())
            .connectionHandler(guard::accepted)
            .requestHandler(this::handle)
            .invalidRequestHandler(request -> HttpErrors.malformed(request, time, date, memory));
  }

  private static HttpServerOptions options() {
    return new HttpServerOptions()
        .setHttp2ClearTextEnabled(false)
        .setAcceptBacklog(4096)
        // Two handlers less in every connection; there is no WebSocket here.
        .setPerFrameWebSocketCompressionSupported(false)
        .setPerMessageWebSocketCompressionSupported(false)
        .setTcpKeepAlive(true);
  }

  private static Routes routes(Vertx vertx, Shared shared, Exchanges exchanges) {
    LiveSettings settings = shared.exchange().settings();
    CatalogRefresher refresher = shared.refresher();
    FirstList firstList = shared.firstList();
    var keyCheck = new ApiKeyCheck(() -> settings.current().keys(), shared.refusalLog());
    var models =
        new ModelsEndpoint(refresher::current, () -> settings.current().fallback().maxAttempts());
    var admin = new AdminEndpoint(vertx, refresher, shared.exchange().cooldowns(), shared.reload());
    var adminStatus =
        new AdminStatus(
            settings, refresher, shared.exchange().cooldowns(), shared.exchange().time());
    var status =
        new StatusEndpoints(
            vertx,
            refresher::current,
            shared.exchange().cooldowns(),
            shared.isStopping(),
            shared.metrics());
    var chat =
        new ChatEndpoint(
            settings,
            keyCheck,
            firstList,
            refresher::current,
            exchanges,
            shared.ignoredModels(),
            shared.largeBodies(),
            shared.exchange().sink(),
            shared.exchange().time());
    return new Routes(
            new Cors(() -> settings.current().listen().corsOrigins()), shared.refusalLog())
        .add(HttpMethod.POST, "/v1/chat/completions", chat)
        .add(HttpMethod.GET, ModelsEndpoint.PATH, keyCheck.guard(firstList.awaitedBy(models::list)))
        .add(
            HttpMethod.GET,
            ModelsEndpoint.PATH + "/*",
            keyCheck.guard(firstList.awaitedBy(models::one)))
        .add(HttpMethod.POST, "/admin/refresh", keyCheck.guard(admin::refresh))
        .add(HttpMethod.POST, "/admin/reload", keyCheck.guard(admin::reload))
        .add(HttpMethod.GET, "/admin/status", keyCheck.guard(adminStatus::status))
        .add(HttpMethod.GET, "/health", status::health)
        .add(HttpMethod.GET, "/ready", status::ready)
        .add(HttpMethod.GET, "/metrics", status::metrics)
        .add(HttpMethod.GET, "/", status::index);
  }

  private void handle(HttpServerRequest request) {
    guard.requestBegan(request);
    var call = new HttpCall(request, time, date, memory);
    call.guard(() -> routes.handle(call));
  }

  /** Requests that have not got their whole answer yet, bodies that still come among them. */
  public int openRequests() {
    return guard.openRequests();
  }

  /**
   * Starts to listen.
   *
   * @return the port
   */
  public Future<Integer> listen(String host, int port) {
    return server.listen(port, host).map(HttpServer::actualPort);
  }

  /** Closes the port and all connections. */
  public Future<Void> close() {
    guard.closeAll();
    return server.close();
  }
}

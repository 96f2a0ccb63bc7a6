package freellmproxy.http;

import freellmproxy.api.ApiError;
import freellmproxy.catalog.Catalog;
import freellmproxy.json.JsonBytes;
import freellmproxy.observe.Metrics;
import freellmproxy.routing.Cooldowns;
import io.vertx.core.Vertx;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** What needs no key: health, readiness, metrics and a page that says what this is. */
final class StatusEndpoints {
  private static final String INDEX =
      """
      free-llm-proxy: one OpenAI endpoint in front of the free models of OpenRouter.

      POST /v1/chat/completions   chat, plain or streamed; send the key as "Authorization: Bearer PROXY_API_KEY"
      GET  /v1/models             the models, best first (key)
      POST /admin/refresh         read the list of models now, end all rests (key)
      POST /admin/reload          read .env again (key)
      GET  /admin/status          what runs here with which settings (key)
      GET  /health                200 while the process lives
      GET  /ready                 200 while some model can be asked
      GET  /metrics               Prometheus text

      Everything under /v1 is there under /api/v1 too.
      """;

  private static final byte[] HEALTHY =
      JsonBytes.object(json -> json.writeStringField("status", "ok"));

  private final Vertx vertx;
  private final Supplier<Catalog> catalog;
  private final Cooldowns cooldowns;
  private final BooleanSupplier isStopping;
  private final Metrics metrics;

  StatusEndpoints(
      Vertx vertx,
      Supplier<Catalog> catalog,
      Cooldowns cooldowns,
      BooleanSupplier isStopping,
      Metrics metrics) {
    this.vertx = vertx;
    this.catalog = catalog;
    this.cooldowns = cooldowns;
    this.isStopping = isStopping;
    this.metrics = metrics;
  }

  void index(HttpCall call) {
    call.text(200, "text/plain; charset=utf-8", INDEX);
  }

  void health(HttpCall call) {
    call.json(200, HEALTHY);
  }

  void ready(HttpCall call) {
    Catalog snapshot = catalog.get();
    int models = snapshot.models().size();
    int available = models - cooldowns.resting(snapshot);
    boolean ready = available > 0 && !isStopping.getAsBoolean();
    byte[] body =
        JsonBytes.object(json -> {
          json.writeStringField("status", ready ? "ready" : "not_ready");
          json.writeNumberField("models", models);
          json.writeNumberField("available", available);
          json.writeStringField(
              "fetched_at", snapshot.isEmpty() ? null : snapshot.fetchedAt().toString());
        });
    call.json(ready ? 200 : 503, body);
  }

  /** Reads files under /proc, so it leaves the event loop. */
  void metrics(HttpCall call) {
    vertx
        .executeBlocking(metrics::text)
        .onComplete(
            text -> call.text(200, Metrics.CONTENT_TYPE, text),
            failure -> call.error(ApiError.internal()));
  }
}

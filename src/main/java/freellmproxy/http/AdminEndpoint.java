package freellmproxy.http;

import com.fasterxml.jackson.core.JsonGenerator;
import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import freellmproxy.catalog.CatalogRefresher;
import freellmproxy.config.LiveSettings;
import freellmproxy.config.Problem;
import freellmproxy.json.JsonBytes;
import freellmproxy.routing.Cooldowns;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** What an operator can ask a running proxy to do, without a restart (contract section 3). */
final class AdminEndpoint {
  private final Vertx vertx;
  private final CatalogRefresher refresher;
  private final Cooldowns cooldowns;
  private final Callable<LiveSettings.Reload> reload;

  AdminEndpoint(
      Vertx vertx,
      CatalogRefresher refresher,
      Cooldowns cooldowns,
      Callable<LiveSettings.Reload> reload) {
    this.vertx = vertx;
    this.refresher = refresher;
    this.cooldowns = cooldowns;
    this.reload = reload;
  }

  /** Reads a file, so it leaves the event loop. */
  void reload(HttpCall call) {
    vertx
        .executeBlocking(reload)
        .onComplete(
            reloaded -> call.guard(() -> answer(call, reloaded)),
            failure -> call.error(ApiError.internal()));
  }

  private static void answer(HttpCall call, LiveSettings.Reload reloaded) {
    switch (reloaded) {
      case LiveSettings.Reload.Refused refused -> call.error(reloadRefused(refused.problems()));
      case LiveSettings.Reload.Done done ->
          call.json(
              200,
              JsonBytes.object(json -> {
                array(json, "applied", done.applied());
                array(json, "restart_needed", done.restartNeeded());
                array(json, "warnings", done.warnings());
              }));
    }
  }

  private static void array(JsonGenerator json, String name, List<?> values) throws IOException {
    json.writeArrayFieldStart(name);
    for (Object value : values) {
      json.writeString(value.toString());
    }
    json.writeEndArray();
  }

  private static ApiError reloadRefused(List<Problem> problems) {
    return new ApiError(
        409,
        "invalid_request_error",
        "reload_refused",
        "The settings were read and are not good; all old ones stay. "
            + problems.stream().map(Problem::toString).collect(Collectors.joining(" ")),
        null,
        Retry.POINTLESS);
  }

  /** Reads the list and ends all rests. */
  void refresh(HttpCall call) {
    // The refresher works on an event loop of its own.
    Context loop = vertx.getOrCreateContext();
    refresher
        .refreshNow()
        .onSuccess(
            refreshed -> loop.runOnContext(here -> call.guard(() -> answer(call, refreshed))));
  }

  private void answer(HttpCall call, CatalogRefresher.Refreshed refreshed) {
    if (refreshed.failure() != null) {
      call.error(
          new ApiError(
              502,
              "upstream_error",
              "refresh_failed",
              "The list could not be read (%s: %s). The old list and all rests stay."
                  .formatted(refreshed.failure().type().label(), refreshed.failure().error()),
              null,
              new Retry.After(Duration.ofSeconds(5))));
      return;
    }
    cooldowns.clear();
    call.json(
        200,
        JsonBytes.object(json -> {
          json.writeNumberField("models", refreshed.catalog().models().size());
          json.writeStringField("fetched_at", refreshed.catalog().fetchedAt().toString());
        }));
  }
}

package freellmproxy.http;

import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import freellmproxy.catalog.CatalogRefresher;
import freellmproxy.routing.Cooldowns;
import java.time.Duration;

/** {@code POST /admin/refresh}: a fresh start without a restart (contract section 3). */
final class AdminEndpoint {
  private final CatalogRefresher refresher;
  private final Cooldowns cooldowns;

  AdminEndpoint(CatalogRefresher refresher, Cooldowns cooldowns) {
    this.refresher = refresher;
    this.cooldowns = cooldowns;
  }

  void refresh(HttpCall call) {
    // The future never fails: what went wrong is a value.
    refresher.refreshNow().onSuccess(refreshed -> answer(call, refreshed));
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
        Json.object(json -> {
          json.writeNumberField("models", refreshed.catalog().models().size());
          json.writeStringField("fetched_at", refreshed.catalog().fetchedAt().toString());
        }));
  }
}

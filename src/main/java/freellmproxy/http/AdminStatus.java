package freellmproxy.http;

import com.fasterxml.jackson.core.JsonGenerator;
import freellmproxy.catalog.Catalog;
import freellmproxy.catalog.CatalogRefresher;
import freellmproxy.config.LiveSettings;
import freellmproxy.config.Origin;
import freellmproxy.config.SettingsLoader;
import freellmproxy.json.JsonBytes;
import freellmproxy.routing.AccountRest;
import freellmproxy.routing.Cooldowns;
import freellmproxy.time.Time;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a running proxy is and which settings it works with, as they may be shown: the doctor
 * compares them with those it has read itself (contract section 3).
 */
final class AdminStatus {
  private final LiveSettings settings;
  private final CatalogRefresher refresher;
  private final Cooldowns cooldowns;
  private final Time time;
  private final Instant startedAt;

  /** To be made when the proxy starts. */
  AdminStatus(LiveSettings settings, CatalogRefresher refresher, Cooldowns cooldowns, Time time) {
    this.settings = settings;
    this.refresher = refresher;
    this.cooldowns = cooldowns;
    this.time = time;
    this.startedAt = time.instant().truncatedTo(ChronoUnit.SECONDS);
  }

  void status(HttpCall call) {
    call.json(200, JsonBytes.object(this::writeTo));
  }

  private void writeTo(JsonGenerator json) throws IOException {
    SettingsLoader.Result.Loaded loaded = settings.loaded();
    CatalogRefresher.Refreshed list = refresher.latest();
    Catalog catalog = list.catalog();
    json.writeStringField("product", "free-llm-proxy");
    json.writeStringField("version", version());
    json.writeNumberField("pid", ProcessHandle.current().pid());
    json.writeStringField("started_at", startedAt.toString());
    json.writeStringField("working_folder", Path.of("").toAbsolutePath().toString());
    json.writeStringField("dot_env", loaded.dotEnv().toString());
    json.writeObjectFieldStart("settings");
    for (Origin origin : loaded.origins()) {
      json.writeObjectFieldStart(origin.setting().name());
      json.writeStringField("value", origin.shown());
      json.writeStringField("source", origin.source().name().toLowerCase(Locale.ROOT));
      json.writeEndObject();
    }
    json.writeEndObject();
    json.writeNumberField("models", catalog.models().size());
    json.writeNumberField("resting", cooldowns.resting(catalog));
    json.writeStringField("account_rests_until", accountRestsUntil());
    json.writeStringField(
        "list_fetched_at", catalog.isEmpty() ? null : catalog.fetchedAt().toString());
    json.writeStringField("list_failure", list.failure() == null ? null : list.failure().error());
  }

  private @Nullable String accountRestsUntil() {
    return cooldowns
        .accountRest()
        .map(AccountRest::until)
        .map(time::onTheWall)
        .map(Instant::toString)
        .orElse(null);
  }

  /** Null where the classes were not packaged. */
  private static @Nullable String version() {
    return Optional.ofNullable(AdminStatus.class.getPackage())
        .map(Package::getImplementationVersion)
        .orElse(null);
  }
}

package freellmproxy;

import freellmproxy.config.LiveSettings;
import freellmproxy.config.SettingsLoader;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.time.VertxTime;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.util.Map;

/** A proxy in front of a sandbox in the same process, on the loopback interface. */
final class SandboxedProxy {
  private SandboxedProxy() {}

  /**
   * Starts it with nothing from the environment or a file.
   *
   * @param key what clients send
   * @param port 0 picks a free one
   */
  static Future<Proxy> start(Vertx vertx, SandboxUpstream sandbox, String key, int port) {
    return switch (settings(sandbox, key, port)) {
      case SettingsLoader.Result.Loaded loaded ->
          Proxy.start(vertx, new LiveSettings(loaded, () -> loaded), new VertxTime(vertx));
      case SettingsLoader.Result.Refused refused ->
          Future.failedFuture(refused.problems().toString());
    };
  }

  /** What such a proxy is started with; {@code .env} and environment have no say. */
  static SettingsLoader.Result settings(SandboxUpstream sandbox, String key, int port) {
    Map<String, String> settings =
        Map.ofEntries(
            Map.entry("OPENROUTER_API_KEY", "sandbox-needs-no-key"),
            Map.entry("PROXY_API_KEY", key),
            Map.entry("MODELS_LIST_URL", sandbox.modelListUrl().toString()),
            Map.entry("UPSTREAM_BASE_URL", sandbox.baseUrl().toString()),
            Map.entry("HOST", "127.0.0.1"),
            Map.entry("PORT", Integer.toString(port)));
    return SettingsLoader.load(settings, Path.of("no .env with the sandbox"));
  }
}

package freellmproxy;

import freellmproxy.config.SettingsLoader;
import freellmproxy.sandbox.SandboxUpstream;
import java.nio.file.Path;
import java.util.Map;

/** The settings of a proxy in front of a sandbox in the same process. */
final class SandboxSettings {
  private SandboxSettings() {}

  /**
   * All others have their defaults; environment and {@code .env} have no say.
   *
   * @param key what clients send
   * @param port on the loopback interface; 0 picks a free one, empty is the default
   */
  static SettingsLoader.Result load(SandboxUpstream sandbox, String key, String port) {
    Map<String, String> settings =
        Map.ofEntries(
            Map.entry("OPENROUTER_API_KEY", "sandbox-needs-no-key"),
            Map.entry("PROXY_API_KEY", key),
            Map.entry("MODELS_LIST_URL", sandbox.modelListUrl().toString()),
            Map.entry("UPSTREAM_BASE_URL", sandbox.baseUrl().toString()),
            Map.entry("HOST", "127.0.0.1"),
            Map.entry("PORT", port));
    return SettingsLoader.load(settings, Path.of("no .env with the sandbox"));
  }
}

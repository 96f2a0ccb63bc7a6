package freellmproxy;

import freellmproxy.config.Setting;
import freellmproxy.config.Settings;
import freellmproxy.config.SettingsLoader;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where commands expect the proxy, and where they tell others to expect it. */
final class OwnAddress {
  private OwnAddress() {}

  /** The address that was given, or that of a proxy with the settings found here. */
  static String of(@Nullable String given) {
    return given == null ? bySettings() : given.replaceFirst("/+$", "");
  }

  private static String bySettings() {
    return switch (SettingsLoader.load(System.getenv(), Path.of(".env"))) {
      case SettingsLoader.Result.Loaded loaded -> url(loaded.settings().listen());
      // They need not be complete for this.
      case SettingsLoader.Result.Refused refused -> url("localhost", Setting.PORT.byDefault());
    };
  }

  private static String url(Settings.Listen listen) {
    String host = listen.host();
    boolean isAny = host.equals("0.0.0.0") || host.equals("::");
    String named = isAny ? "localhost" : host.contains(":") ? "[" + host + "]" : host;
    return url(named, Integer.toString(listen.port()));
  }

  private static String url(String host, String port) {
    return "http://" + host + ":" + port;
  }
}

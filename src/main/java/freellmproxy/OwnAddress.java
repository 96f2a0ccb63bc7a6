package freellmproxy;

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
    Settings.Listen listen = SettingsLoader.listen(System.getenv(), Path.of(".env"));
    return of(listen.host(), listen.port());
  }

  /** The address of a proxy that listens there. */
  static String of(String listenHost, int port) {
    String host = listenHost.replaceAll("[\\[\\]]", "");
    boolean isAny = host.equals("0.0.0.0") || host.equals("::");
    String named = isAny ? "localhost" : host.contains(":") ? "[" + host + "]" : host;
    return "http://" + named + ":" + port;
  }
}

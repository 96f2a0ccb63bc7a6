package freellmproxy;

import freellmproxy.config.SettingsLoader;
import freellmproxy.config.SettingsLoader.Address;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where commands expect the proxy, and where they tell others to expect it. */
final class OwnAddress {
  private OwnAddress() {}

  /**
   * The address that was given, or that of a proxy with the settings found here.
   *
   * @param err told what is wrong with the settings
   * @return empty when they are wrong
   */
  static Optional<String> of(@Nullable String given, PrintWriter err) {
    if (given != null) {
      return Optional.of(given);
    }
    return switch (SettingsLoader.address(System.getenv(), Path.of(".env"))) {
      case Address.At at -> Optional.of(at.url().toString());
      case Address.Unknown unknown -> {
        unknown.problems().forEach(err::println);
        err.flush();
        yield Optional.empty();
      }
    };
  }
}

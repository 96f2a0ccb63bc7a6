package freellmproxy;

import freellmproxy.config.SettingsLoader;
import freellmproxy.config.SettingsLoader.Address;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option {@code --url}, and where the proxy is without it. */
final class ProxyAddress {
  @Option(
      names = "--url",
      description = "Where the proxy is (default: by HOST and PORT).",
      converter = ProxyUrl.class)
  private @Nullable String url;

  /**
   * The address that was given, or that of a proxy with the settings found here.
   *
   * @param err told what is wrong with the settings
   * @return empty when they are wrong
   */
  Optional<String> find(PrintWriter err) {
    if (url != null) {
      return Optional.of(url);
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

package freellmproxy.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A name in a {@code .env} file that is none of ours and so does nothing.
 *
 * @param meant what it was most likely meant to be
 */
public record UnknownName(String name, Optional<Setting> meant) {

  /** All of a file, in its order; none where it cannot be read. */
  public static List<UnknownName> in(Path dotEnv) {
    return DotEnv.read(dotEnv).values().keySet().stream()
        .filter(name -> !isKnown(name))
        .map(name -> new UnknownName(name, Spelling.guess(name)))
        .toList();
  }

  private static boolean isKnown(String name) {
    return Setting.named(name).isPresent()
        || Setting.named(name.toUpperCase(Locale.ROOT))
            .filter(setting -> setting.isProxyUrl() || setting == Setting.NO_PROXY)
            .isPresent();
  }
}

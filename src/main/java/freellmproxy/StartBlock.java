package freellmproxy;

import freellmproxy.catalog.Catalog;
import freellmproxy.config.Origin;
import freellmproxy.config.Setting;
import freellmproxy.config.Settings;
import freellmproxy.config.SettingsLoader;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What a person at a terminal is told when the proxy has started. Its lines can be pasted. */
final class StartBlock {
  private static final String ASSIGNMENT = Setting.PROXY_API_KEY + "=";

  private StartBlock() {}

  /**
   * The whole block.
   *
   * @param port that it got
   */
  static String of(SettingsLoader.Result.Loaded loaded, Path dotEnv, int port, Catalog catalog) {
    Settings settings = loaded.settings();
    URI address = settings.listen().url(port);
    String models =
        catalog.isEmpty()
            ? "none yet; `" + CalledAs.command() + " doctor` says why"
            : "%d free ones, %s is asked first"
                .formatted(catalog.models().size(), catalog.models().getFirst().id());
    return """

      free-llm-proxy listens on %1$s/v1
      models   %2$s
      key      PROXY_API_KEY, %3$s
      clients  %4$s setup qwen (or opencode, cline, aider, continue, ...)
      try
    curl %1$s/v1/chat/completions \\
      -H "Authorization: Bearer %5$s" \\
      -d '{"messages":[{"role":"user","content":"Hello"}]}'

    """
        .formatted(
            address,
            models,
            settings.keys().proxy().tail(),
            CalledAs.command(),
            keyForShell(loaded, dotEnv));
  }

  /** What a shell makes the key of, without showing it; the words KEY where it cannot. */
  private static String keyForShell(SettingsLoader.Result.Loaded loaded, Path dotEnv) {
    boolean isFromFile =
        loaded.origins().stream()
            .anyMatch(origin ->
                origin.setting() == Setting.PROXY_API_KEY
                    && origin.source() == Origin.Source.DOT_ENV);
    if (!isFromFile) {
      return "$PROXY_API_KEY";
    }
    return isPlainIn(dotEnv, loaded.settings())
        ? "$(sed -n s/^PROXY_API_KEY=//p %s)"
            .formatted(CalledAs.quoted(dotEnv.toAbsolutePath().toString()))
        : "KEY";
  }

  /** Whether it stands there once, without quotes, blanks or a comment. */
  private static boolean isPlainIn(Path dotEnv, Settings settings) {
    try {
      List<String> lines =
          // With the CR of a file that was written on Windows, which sed would keep.
          Stream.of(Files.readString(dotEnv).split("\n"))
              .filter(line -> line.startsWith(ASSIGNMENT))
              .toList();
      return lines.size() == 1
          && settings.keys().proxy().matches(lines.getFirst().substring(ASSIGNMENT.length()));
    } catch (IOException gone) {
      return false;
    }
  }
}

package freellmproxy.doctor;

import freellmproxy.config.KeyShape;
import freellmproxy.config.Origin;
import freellmproxy.config.Problem;
import freellmproxy.config.Secret;
import freellmproxy.config.Settings;
import freellmproxy.config.SettingsLoader;
import freellmproxy.config.UnknownName;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** What is wrong or odd about the settings, without asking anybody. */
final class SettingsCheck {
  private static final String CHECK = "settings";

  /** Of OpenRouter's own: this and 64 hexadecimal digits. */
  private static final String OPENROUTER_BEGIN = "sk-or-v1-";

  private static final int OPENROUTER_LENGTH = 73;

  /** A word in the host of each provider that keys are known of. */
  private static final Map<String, String> HOSTS = Map.of("xAI", "x.ai", "Hugging Face", "hugging");

  private SettingsCheck() {}

  /** Those that a proxy does not start with. */
  static List<Finding> refused(SettingsLoader.Result.Refused refused, Path dotEnv) {
    return refused.problems().stream().map(problem -> refused(problem, dotEnv)).toList();
  }

  private static Finding refused(Problem problem, Path dotEnv) {
    return problem.name().equals(".env")
        ? Finding.failed(".env", dotEnv + ": " + problem.fault(), problem.fix())
        : Finding.failed(CHECK, problem.name() + ": " + problem.fault(), problem.fix());
  }

  /** Those that it does start with. */
  static List<Finding> loaded(SettingsLoader.Result.Loaded loaded) {
    String set =
        loaded.origins().stream()
            .filter(origin -> origin.source() != Origin.Source.DEFAULT)
            .map(SettingsCheck::shown)
            .collect(Collectors.joining(", "));
    var findings = new ArrayList<Finding>();
    findings.add(Finding.ok(CHECK, set + "; all others by default"));
    List<String> saidOfTheFile =
        UnknownName.in(loaded.dotEnv()).stream().map(UnknownName::name).toList();
    for (String warning : loaded.warnings()) {
      String name = warning.split(" ", 2)[0];
      if (!saidOfTheFile.contains(name)) {
        findings.add(Finding.warning(CHECK, warning, fix(name, warning)));
      }
    }
    findings.addAll(keys(loaded.settings()));
    return findings;
  }

  private static String shown(Origin origin) {
    String source = origin.source() == Origin.Source.DOT_ENV ? ".env" : "environment";
    return origin.setting() + "=" + origin.shown() + " (" + source + ")";
  }

  private static String fix(String name, String warning) {
    if (warning.endsWith("the environment wins")) {
      return "Remove the wrong one: `unset "
          + name
          + "` where the proxy is started, or the line in"
          + " .env; then restart the proxy.";
    }
    if (warning.contains("more than once")) {
      return "Remove the lines of " + name + " that are not meant.";
    }
    return warning.endsWith("?")
        ? "Rename it, or remove it."
        : "Change it in .env; then restart the proxy or POST /admin/reload.";
  }

  private static List<Finding> keys(Settings settings) {
    Secret upstream = settings.keys().openRouter();
    Secret ours = settings.keys().proxy();
    Optional<String> provider = KeyShape.provider(upstream.reveal());
    boolean isForOpenRouter = provider.filter(KeyShape.OPENROUTER::equals).isPresent();
    if (KeyShape.provider(ours.reveal()).filter(KeyShape.OPENROUTER::equals).isPresent()) {
      return List.of(isForOpenRouter ? shared(ours) : swapped(upstream, ours));
    }
    String named = "OPENROUTER_API_KEY " + upstream.tail();
    String host = settings.upstream().baseUrl().getHost();
    if (provider.isPresent() && !isForOpenRouter) {
      return isAt(host, provider.get()) ? List.of() : List.of(foreign(named, provider.get(), host));
    }
    if (!settings.upstream().isOpenRouter()) {
      return List.of();
    }
    if (!isForOpenRouter) {
      return List.of(
          Finding.warning(
              CHECK,
              named + " does not look like a key of OpenRouter: those begin with sk-or-",
              "Copy it again from openrouter.ai/settings/keys."));
    }
    boolean isCut =
        upstream.reveal().startsWith(OPENROUTER_BEGIN)
            && upstream.reveal().length() != OPENROUTER_LENGTH;
    return isCut
        ? List.of(
            Finding.warning(
                CHECK,
                named
                    + " is not whole: keys of OpenRouter have "
                    + OPENROUTER_LENGTH
                    + " characters",
                "Make a new one at openrouter.ai/settings/keys: it is shown only once."))
        : List.of();
  }

  private static Finding swapped(Secret upstream, Secret ours) {
    return Finding.failed(
        CHECK,
        "the two keys are swapped: PROXY_API_KEY %s looks like a key of OpenRouter, OPENROUTER_API_KEY %s does not"
            .formatted(ours.tail(), upstream.tail()),
        "Give each the other's value; the key at OpenRouter may have been sent by clients.");
  }

  private static Finding shared(Secret ours) {
    return Finding.warning(
        CHECK,
        "PROXY_API_KEY "
            + ours.tail()
            + " looks like a key of OpenRouter, and every client gets it",
        "Choose another one, for example from `openssl rand -hex 24`.");
  }

  private static Finding foreign(String named, String provider, String host) {
    return Finding.warning(
        CHECK,
        "%s looks like a key of %s, and UPSTREAM_BASE_URL is at %s"
            .formatted(named, provider, host),
        "Use a key of the upstream (OpenRouter's: openrouter.ai/settings/keys), or set"
            + " UPSTREAM_BASE_URL to where that key belongs.");
  }

  private static boolean isAt(String host, String provider) {
    String word = HOSTS.getOrDefault(provider, provider.toLowerCase(Locale.ROOT));
    return host.toLowerCase(Locale.ROOT).contains(word);
  }
}

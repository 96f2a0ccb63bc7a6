package freellmproxy.config;

import freellmproxy.config.Origin.Source;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The texts behind the settings: the environment over {@code .env} over the defaults. */
final class RawSettings {
  /**
   * All before the last {@code @}, whether or not the rest makes an address: values that are not in
   * force are shown too, and nobody has checked those.
   */
  private static final Pattern PASSWORD =
      Pattern.compile("^((?:https?|socks5h?)://)?.*@", Pattern.DOTALL | Pattern.CASE_INSENSITIVE);

  private final Map<String, String> environment;
  private final Map<String, String> dotEnv;
  private final Set<String> repeated;

  RawSettings(Map<String, String> environment, DotEnv dotEnv) {
    this.environment = environment;
    this.dotEnv = dotEnv.values();
    this.repeated = dotEnv.repeated();
  }

  /** The text of a setting, stripped; its default where it is not set. */
  String text(Setting setting) {
    String set = firstSet(setting);
    return set == null ? setting.byDefault() : set;
  }

  Origin origin(Setting setting) {
    Source source =
        lookUp(environment, setting) != null
            ? Source.ENVIRONMENT
            : lookUp(dotEnv, setting) != null ? Source.DOT_ENV : Source.DEFAULT;
    return new Origin(setting, new Secret(text(setting)), source);
  }

  private @Nullable String firstSet(Setting setting) {
    String fromEnvironment = lookUp(environment, setting);
    return fromEnvironment != null ? fromEnvironment : lookUp(dotEnv, setting);
  }

  private static @Nullable String lookUp(Map<String, String> values, Setting setting) {
    String value = values.get(setting.name());
    if (value == null && isSharedWithOtherTools(setting)) {
      value = values.get(setting.name().toLowerCase(Locale.ROOT));
    }
    if (value == null || (value.isBlank() && !setting.mayBeEmpty())) {
      return null;
    }
    return value.strip();
  }

  /** Other tools take the names of proxies in lower case too. */
  private static boolean isSharedWithOtherTools(Setting setting) {
    return setting.isProxyUrl() || setting == Setting.NO_PROXY;
  }

  /** A value as it may be printed. */
  static String shown(Setting setting, String value) {
    if (setting.isSecret()) {
      return new Secret(value).tail();
    }
    if (KeyShape.provider(value).isPresent()) {
      return new Secret(value).tail();
    }
    if (!setting.mayHoldPassword()) {
      return value;
    }
    // In this order: a password may have a question mark in it.
    return PASSWORD.matcher(value).replaceFirst("$1***@").replaceFirst("(?s)\\?.*", "?***");
  }

  /** One line for each setting to which the environment and the file give different values. */
  List<String> disagreements() {
    var lines = new ArrayList<String>();
    for (Setting setting : Setting.values()) {
      String strong = lookUp(environment, setting);
      String weak = lookUp(dotEnv, setting);
      if (strong != null && weak != null && !strong.equals(weak)) {
        lines.add(
            "%s is %s in the environment and %s in .env; the environment wins"
                .formatted(setting, shown(setting, strong), shown(setting, weak)));
      }
    }
    return lines;
  }

  /** One line for each setting of which the file has more than one value. */
  List<String> repetitions() {
    return Arrays.stream(Setting.values())
        .filter(setting -> repeated.contains(setting.name()))
        .map(setting ->
            "%s stands in .env more than once; the last line counts, which has %s"
                .formatted(setting, shown(setting, dotEnv.getOrDefault(setting.name(), ""))))
        .toList();
  }

  /** A name that somebody has set who meant this setting; where and under which name. */
  Optional<String> misspelt(Setting setting) {
    return Stream.of(dotEnv, environment)
        .flatMap(values -> values.entrySet().stream())
        .filter(entry -> !entry.getValue().isBlank())
        .map(Map.Entry::getKey)
        .filter(name -> Spelling.guess(name).filter(setting::equals).isPresent())
        .findFirst();
  }

  /** One line for each name that is nearly one of ours. */
  List<String> nearMisses() {
    var lines = new ArrayList<String>();
    for (Map<String, String> names : List.of(environment, dotEnv)) {
      for (String name : names.keySet()) {
        Spelling.nearMiss(name)
            .map(ours -> name + " is not known; did you mean " + ours + "?")
            .filter(line -> !lines.contains(line))
            .ifPresent(lines::add);
      }
    }
    return lines;
  }
}

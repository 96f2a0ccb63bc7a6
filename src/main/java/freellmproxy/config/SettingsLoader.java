package freellmproxy.config;

import freellmproxy.config.Settings.Egress;
import freellmproxy.config.Settings.LogFormat;
import freellmproxy.config.Settings.LogLevel;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Makes settings of what the operator wrote (contract section 9). Finds all problems in one go, so
 * that nobody has to mend and start five times.
 */
public final class SettingsLoader {
  /** What `.env.example` shows in place of keys; copying it is not setting them. */
  static final String OPENROUTER_PLACEHOLDER = "sk-or-v1-paste-your-key-here";

  static final String PROXY_PLACEHOLDER = "choose-a-long-random-string";

  private static final int LONGEST_SECONDS = 86_400;

  private final RawSettings raw;
  private final List<Problem> problems = new ArrayList<>();

  private SettingsLoader(Map<String, String> environment, DotEnv dotEnv) {
    this.raw = new RawSettings(environment, dotEnv);
  }

  /** What came of loading. */
  public sealed interface Result {
    /**
     * Settings to start with.
     *
     * @param warnings for the log
     * @param origins where each value came from, in the order of {@link Setting}
     * @param dotEnv the file that was looked at, whether or not there is one
     */
    record Loaded(Settings settings, List<String> warnings, List<Origin> origins, Path dotEnv)
        implements Result {}

    /** Nothing to start with. */
    record Refused(List<Problem> problems) implements Result {}
  }

  /**
   * Reads the environment and a {@code .env} file, which may be missing.
   *
   * @param environment names and values, as the process got them
   */
  public static Result load(Map<String, String> environment, Path dotEnvFile) {
    return load(environment, Map.of(), dotEnvFile);
  }

  /**
   * The same, but what was said on the command line wins over both without a warning.
   *
   * @param options by the names of settings
   */
  public static Result load(
      Map<String, String> environment, Map<String, String> options, Path dotEnvFile) {
    DotEnv dotEnv = DotEnv.read(dotEnvFile).without(options.keySet());
    var all = new HashMap<>(environment);
    all.putAll(options);
    var loader = new SettingsLoader(all, dotEnv);
    loader.problems.addAll(dotEnv.problems());
    return loader.load(dotEnvFile.toAbsolutePath().normalize());
  }

  /** Where a proxy is, as far as its settings say. */
  public sealed interface Address {
    /** There. */
    record At(URI url) implements Address {}

    /** The settings that would say so are wrong. */
    record Unknown(List<Problem> problems) implements Address {}
  }

  /**
   * Where programs of this machine find a proxy with these settings, whatever else is missing from
   * them.
   */
  public static Address address(Map<String, String> environment, Path dotEnvFile) {
    var loader = new SettingsLoader(environment, DotEnv.read(dotEnvFile));
    Settings.Listen listen = loader.listen();
    List<Problem> wrong =
        loader.problems.stream()
            .filter(problem -> Set.of("HOST", "PORT").contains(problem.name()))
            .toList();
    return wrong.isEmpty() ? new Address.At(listen.url(listen.port())) : new Address.Unknown(wrong);
  }

  private Result load(Path dotEnv) {
    Settings settings = settings();
    if (!problems.isEmpty()) {
      return new Result.Refused(List.copyOf(problems));
    }
    List<String> warnings =
        Stream.of(
                raw.disagreements(),
                raw.nearMisses(),
                raw.repetitions(),
                ShortKey.warnings(settings.keys(), settings.listen()))
            .flatMap(List::stream)
            .toList();
    return new Result.Loaded(
        settings, warnings, Arrays.stream(Setting.values()).map(raw::origin).toList(), dotEnv);
  }

  private Settings settings() {
    URI listUrl = url(Setting.MODELS_LIST_URL);
    URI baseUrl = url(Setting.UPSTREAM_BASE_URL);
    var egress = new EgressLoader(raw, problems);
    return new Settings(
        keys(),
        listen(),
        new Settings.ModelList(
            listUrl, seconds(Setting.MODELS_REFRESH_SEC), denied(), egress.egress(listUrl)),
        upstream(baseUrl, egress.egress(baseUrl)),
        limits(),
        fallback(),
        logLevel(),
        choice(Setting.LOG_FORMAT, LogFormat.class));
  }

  private Globs denied() {
    Globs denied = Globs.parse(raw.text(Setting.MODELS_DENY));
    if (denied.match("any/model:free") && denied.match("other/one")) {
      problem(
          Setting.MODELS_DENY,
          "it leaves out every model",
          "Name fewer, such as */gpt-oss*,google/*");
    }
    return denied;
  }

  private Settings.Keys keys() {
    String openRouter =
        key(
            Setting.OPENROUTER_API_KEY,
            OPENROUTER_PLACEHOLDER,
            "Get one for free at openrouter.ai/settings/keys");
    String proxy =
        key(
            Setting.PROXY_API_KEY,
            PROXY_PLACEHOLDER,
            "Choose any long random string, for example from `openssl rand -hex 24`; clients send"
                + " it to the proxy");
    if (!proxy.isEmpty() && proxy.equals(openRouter)) {
      problem(
          Setting.PROXY_API_KEY,
          "it is the same as OPENROUTER_API_KEY",
          "Choose another one: every client of the proxy gets to know this key");
    }
    return new Settings.Keys(new Secret(openRouter), new Secret(proxy));
  }

  private String key(Setting setting, String placeholder, String howToGet) {
    String value = raw.text(setting);
    Optional<String> misspelt = value.isEmpty() ? raw.misspelt(setting) : Optional.empty();
    if (misspelt.isPresent()) {
      problem(
          setting,
          "it is not set, but " + misspelt.get() + " is; did you mean " + setting + "?",
          "Rename " + misspelt.get() + " to " + setting);
    } else if (value.isEmpty()) {
      problem(setting, "it is not set", howToGet);
    } else if (value.matches("([\"']).*\\1")) {
      problem(
          setting,
          shownTail(value) + " has quotes around it",
          "Remove them: not every program that sets an environment takes them off");
    } else if (value.equals(placeholder)) {
      problem(setting, "it is still the placeholder of .env.example", howToGet);
    } else if (value.indexOf(',') >= 0) {
      problem(setting, "it has a comma in it, and one key is used, not a list", "Choose one");
    } else if (!value.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      problem(
          setting,
          shownTail(value)
              + " has a space, a line break or a letter that no header can carry in it",
          "Copy it again, the key alone, without quotes, line breaks or `Bearer`");
    }
    return value;
  }

  private static String shownTail(String value) {
    return "its value " + new Secret(value).tail();
  }

  private Settings.Listen listen() {
    return new Settings.Listen(
        host(),
        number(Setting.PORT, 0, Settings.Listen.MAX_PORT),
        number(Setting.MAX_BODY_MB, 1, 1024) << 20,
        seconds(Setting.SHUTDOWN_GRACE_SEC),
        corsOrigins());
  }

  /** Without the brackets that an address of IPv6 has in a URL. */
  private String host() {
    String host = raw.text(Setting.HOST).replaceFirst("^\\[(.*:.*)]$", "$1");
    String inUrl = Settings.Listen.inUrl(host);
    try {
      if (inUrl.equals(new URI("http://" + inUrl).getRawAuthority()) && !host.contains("@")) {
        return host;
      }
    } catch (URISyntaxException e) {
      // Explained below, as what is a URL but no host.
    }
    problem(
        Setting.HOST,
        quoted(host) + " is neither an address nor a name",
        "Use an address of this machine such as 127.0.0.1, or 0.0.0.0 for all of them");
    return Setting.HOST.byDefault();
  }

  private Set<String> corsOrigins() {
    Set<String> origins =
        Stream.of(raw.text(Setting.CORS_ORIGINS).split(","))
            .map(String::strip)
            .filter(origin -> !origin.isEmpty())
            .collect(Collectors.toSet());
    for (String origin : origins) {
      if (!origin.equals("*") && !origin.matches("[a-zA-Z][a-zA-Z0-9+.-]*://[^/\\s]+")) {
        problem(
            Setting.CORS_ORIGINS,
            quoted(origin) + " is not an origin",
            "Use a list such as https://chat.example.org,http://localhost:3000, or *");
      }
    }
    return origins;
  }

  private Settings.Upstream upstream(URI baseUrl, Egress egress) {
    String referer = header(Setting.OPENROUTER_REFERER);
    String title = header(Setting.OPENROUTER_TITLE);
    return new Settings.Upstream(
        baseUrl,
        referer.isEmpty() ? null : referer,
        title.isEmpty() ? null : title,
        mayMultiplex(),
        flag(Setting.FREE_ONLY),
        egress);
  }

  private boolean mayMultiplex() {
    String version = raw.text(Setting.UPSTREAM_HTTP);
    if (!version.equals("1.1") && !version.equals("2")) {
      problem(
          Setting.UPSTREAM_HTTP, quoted(version) + " is neither 1.1 nor 2", "Use one of the two");
    }
    return version.equals("2");
  }

  private String header(Setting setting) {
    String value = raw.text(setting);
    if (!value.chars().allMatch(c -> c >= ' ' && c < 0x7f)) {
      problem(setting, "no header can carry it", "Use plain ASCII letters");
    }
    return value;
  }

  private Settings.TimeLimits limits() {
    return new Settings.TimeLimits(
        seconds(Setting.CONNECT_TIMEOUT_SEC),
        seconds(Setting.UPSTREAM_TIMEOUT_SEC),
        seconds(Setting.STREAM_IDLE_TIMEOUT_SEC),
        seconds(Setting.ANSWER_TIMEOUT_SEC),
        // An attempt needs a second, see Deadline.
        Duration.ofSeconds(number(Setting.REQUEST_DEADLINE_SEC, 2, LONGEST_SECONDS)),
        seconds(Setting.STREAM_KEEPALIVE_SEC));
  }

  private Settings.Fallback fallback() {
    return new Settings.Fallback(
        number(Setting.MAX_FALLBACK_ATTEMPTS, 1, 100),
        number(Setting.SAME_MODEL_RETRIES, 0, 1),
        seconds(Setting.RATE_LIMIT_COOLDOWN_SEC),
        seconds(Setting.GENERIC_ERROR_COOLDOWN_SEC));
  }

  private LogLevel logLevel() {
    boolean isWarning = raw.text(Setting.LOG_LEVEL).equalsIgnoreCase("WARNING");
    return isWarning ? LogLevel.WARN : choice(Setting.LOG_LEVEL, LogLevel.class);
  }

  private <E extends Enum<E>> E choice(Setting setting, Class<E> choices) {
    String name = raw.text(setting).toUpperCase(Locale.ROOT);
    E[] all = choices.getEnumConstants();
    Optional<E> chosen = Arrays.stream(all).filter(e -> e.name().equals(name)).findFirst();
    if (chosen.isEmpty()) {
      String known = Arrays.stream(all).map(Enum::name).collect(Collectors.joining(", "));
      problem(setting, quoted(name) + " is none of its values", "Use one of " + known);
    }
    return chosen.orElse(all[0]);
  }

  private boolean flag(Setting setting) {
    String value = raw.text(setting).toLowerCase(Locale.ROOT);
    if (!value.equals("true") && !value.equals("false")) {
      problem(setting, quoted(value) + " is neither true nor false", "Use one of the two");
    }
    return value.equals("true");
  }

  private Duration seconds(Setting setting) {
    return Duration.ofSeconds(number(setting, 1, LONGEST_SECONDS));
  }

  private int number(Setting setting, int least, int most) {
    String value = raw.text(setting);
    if (!value.matches("[0-9]{1,9}")) {
      problem(setting, quoted(value) + " is not a whole number", useNumber(setting, least, most));
      return least;
    }
    int number = Integer.parseInt(value);
    if (number < least || number > most) {
      problem(setting, number + " is out of range", useNumber(setting, least, most));
      return least;
    }
    return number;
  }

  /** Not made in advance: the first number that Java formats makes all the world's locales. */
  private static String useNumber(Setting setting, int least, int most) {
    return "Use a whole number from %d to %d, for example %s=%s"
        .formatted(least, most, setting, setting.byDefault());
  }

  private URI url(Setting setting) {
    String value = raw.text(setting);
    String shown = quoted(RawSettings.shown(setting, value));
    String fix = "Use an address such as " + setting.byDefault();
    try {
      var url = new URI(value.replaceFirst("/+$", ""));
      boolean isHttp = "http".equals(url.getScheme()) || "https".equals(url.getScheme());
      if (!isHttp || url.getHost() == null) {
        problem(
            setting,
            shown + " is not an http(s) URL with a host",
            value.contains("://")
                ? fix
                : "Write https:// or http:// before it, as in " + setting.byDefault());
      } else if (url.getPort() == 0 || url.getPort() > Settings.Listen.MAX_PORT) {
        problem(
            setting,
            "the port of " + shown + " is not between 1 and " + Settings.Listen.MAX_PORT,
            fix);
      } else if (url.getUserInfo() != null || url.getFragment() != null) {
        problem(setting, shown + " has a user or a fragment in it", fix);
      } else if (setting == Setting.UPSTREAM_BASE_URL && url.getQuery() != null) {
        problem(setting, shown + " has a query in it", fix);
      } else {
        return url;
      }
    } catch (URISyntaxException e) {
      problem(setting, shown + " is not a valid URL", fix);
    }
    return URI.create(setting.byDefault());
  }

  private void problem(Setting setting, String fault, String fix) {
    problems.add(new Problem(setting.name(), fault, fix + "."));
  }

  static String quoted(String value) {
    // People paste keys into the wrong line.
    return KeyShape.provider(value).isPresent() ? new Secret(value).tail() : '"' + value + '"';
  }
}

package freellmproxy.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import freellmproxy.config.Origin;
import freellmproxy.config.Setting;
import freellmproxy.config.SettingsLoader;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** A proxy that runs, by its {@code GET /admin/status}, beside the settings found here. */
final class RunningProxy {
  private static final String CHECK = "proxy";

  /** With another of these, nothing that was found above is true of it. */
  private static final Set<Setting> DECISIVE =
      Set.of(
          Setting.OPENROUTER_API_KEY,
          Setting.UPSTREAM_BASE_URL,
          Setting.MODELS_LIST_URL,
          Setting.FREE_ONLY,
          Setting.HTTPS_PROXY,
          Setting.HTTP_PROXY,
          Setting.ALL_PROXY,
          Setting.NO_PROXY,
          Setting.SSL_CERT_FILE);

  private final JsonNode status;
  private final SettingsLoader.Result.Loaded here;
  private final int port;
  private final Instant now;
  private final String which;

  RunningProxy(JsonNode status, SettingsLoader.Result.Loaded here, int port, Instant now) {
    this.status = status;
    this.here = here;
    this.port = port;
    this.now = now;
    this.which =
        "the running one (process %s since %s, started in %s)"
            .formatted(text("pid"), text("started_at"), text("working_folder"));
  }

  /** A setting that is another one there. */
  private record Difference(Origin here, String there, String source) {
    private boolean isDecisive() {
      return DECISIVE.contains(here.setting());
    }

    /** Whether its value there can be changed by reading a file again. */
    private boolean isReloaded() {
      return here.setting().changesAtRunTime()
          && !source.equals("environment")
          && here.source() != Origin.Source.ENVIRONMENT;
    }

    @Override
    public String toString() {
      String origin =
          switch (here.source()) {
            case ENVIRONMENT -> "in the environment here";
            case DOT_ENV -> "in .env";
            case DEFAULT -> "by default here";
          };
      return "%s is %s there (%s) and %s %s"
          .formatted(
              here.setting(),
              there.isEmpty() ? "empty" : there,
              source.equals("dot_env") ? ".env" : source,
              here.shown().isEmpty() ? "empty" : here.shown(),
              origin);
    }
  }

  List<Finding> findings() {
    var findings = new ArrayList<Finding>();
    List<Difference> differences = differences();
    if (!differences.isEmpty()) {
      String detail =
          which
              + " has other settings: "
              + differences.stream().map(Difference::toString).collect(Collectors.joining("; "));
      findings.add(
          differences.stream().anyMatch(Difference::isDecisive)
              ? Finding.failed(CHECK, detail, remedy(differences))
              : Finding.warning(CHECK, detail, remedy(differences)));
    }
    String ours = RunningProxy.class.getPackage().getImplementationVersion();
    if (ours != null && !text("version").equals(ours)) {
      findings.add(
          Finding.warning(
              CHECK,
              which + " is version " + text("version") + ", this is " + ours,
              "Restart it."));
    }
    findings.add(readiness());
    return findings;
  }

  private List<Difference> differences() {
    return here.origins().stream()
        // It answers at this port, whichever it was told.
        .filter(origin -> origin.setting() != Setting.PORT)
        .filter(origin -> setting(origin).has("value"))
        .filter(origin -> !setting(origin).path("value").asText().equals(origin.shown()))
        .map(origin ->
            new Difference(
                origin,
                setting(origin).path("value").asText(),
                setting(origin).path("source").asText()))
        .toList();
  }

  private JsonNode setting(Origin origin) {
    return status.path("settings").path(origin.setting().name());
  }

  private String remedy(List<Difference> differences) {
    String file = text("dot_env");
    boolean isOfFiles = differences.stream().anyMatch(each -> !each.source().equals("environment"));
    if (isOfFiles && !file.equals(here.dotEnv().toString())) {
      return "It looks at "
          + file
          + ", not at "
          + here.dotEnv()
          + ": restart it ("
          + stop()
          + ") in the folder whose .env is meant, or run the doctor in "
          + text("working_folder")
          + ".";
    }
    List<Difference> needRestart =
        differences.stream().filter(difference -> !difference.isReloaded()).toList();
    if (needRestart.isEmpty()) {
      return "POST /admin/reload, which reads .env again: `curl -X POST -H \"Authorization: Bearer"
          + " $PROXY_API_KEY\" "
          + here.settings().listen().url(port)
          + "/admin/reload`";
    }
    List<String> names =
        needRestart.stream().map(difference -> difference.here().setting().name()).toList();
    boolean isOne = names.size() == 1;
    String why =
        needRestart.stream().allMatch(each -> each.here().setting().changesAtRunTime())
            ? (isOne ? " comes" : " come") + " from an environment, which a reload cannot change."
            : (isOne ? " changes" : " change") + " with a start only.";
    return "Restart it (" + stop() + ", then start it again): " + String.join(", ", names) + why;
  }

  /** The first process of a container has another number outside. */
  private String stop() {
    return text("pid").equals("1") ? "stop its container" : "`kill " + text("pid") + "`";
  }

  private Finding readiness() {
    int models = status.path("models").asInt();
    int awake = models - status.path("resting").asInt();
    String failure = text("list_failure");
    if (models == 0) {
      return Finding.failed(
          CHECK,
          which
              + " is not ready, it has read no list yet"
              + (failure.isEmpty() ? "" : ": " + failure),
          "Mend the list as said above; then POST /admin/refresh, or wait: it tries again by"
              + " itself.");
    }
    String account = text("account_rests_until");
    if (!account.isEmpty()) {
      return Finding.failed(
          CHECK,
          which
              + " is not ready, the account's free requests are used up until "
              + account
              + ", as the upstream said",
          "Wait, or buy 10 credits once (1000 free requests a day then), then POST"
              + " /admin/refresh.");
    }
    if (awake <= 0) {
      return Finding.failed(
          CHECK,
          which + " is not ready, all %d models rest after failures".formatted(models),
          "POST /admin/refresh ends all rests; `request_done` in its log says what failed.");
    }
    String ready = "ready, %d of %d models can be asked".formatted(awake, models);
    Duration age = age();
    Duration most = here.settings().modelList().refresh().multipliedBy(2);
    if (!failure.isEmpty() || age.compareTo(most) > 0) {
      return Finding.warning(
          CHECK,
          "%s, but with a list of %s ago%s"
              .formatted(ready, length(age), failure.isEmpty() ? "" : "; since then: " + failure),
          "Mend the list as said above; then POST /admin/refresh.");
    }
    return Finding.ok(CHECK, ready + " by " + which.replace("the running one", "it"));
  }

  private Duration age() {
    try {
      return Duration.between(Instant.parse(text("list_fetched_at")), now);
    } catch (DateTimeException unsaid) {
      return Duration.ZERO;
    }
  }

  private static String length(Duration time) {
    return time.toHours() > 1
        ? time.toHours() + " h"
        : String.format(Locale.ROOT, "%d min", time.toMinutes());
  }

  /** Empty where it is missing. */
  private String text(String field) {
    return status.path(field).asText("").equals("null") ? "" : status.path(field).asText("");
  }
}

package freellmproxy.doctor;

import freellmproxy.catalog.CatalogParser;
import freellmproxy.catalog.FetchFailure;
import freellmproxy.catalog.Model;
import freellmproxy.config.Origin;
import freellmproxy.config.Settings;
import freellmproxy.config.SettingsLoader;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Answers why the proxy does not work. Every check tells what it saw and what to do; none costs a
 * request of the daily quota unless asked to. Blocks while it looks: not for event loops.
 */
public final class Doctor {
  private static final int NEEDED_JAVA = 25;

  private final Probe probe;
  private final List<Finding> findings = new ArrayList<>();

  private Doctor(Vertx vertx) {
    this.probe = new Probe(vertx);
  }

  /**
   * Runs all checks that make sense with these settings.
   *
   * @param complete whether one completion may be asked for, which costs one free request
   */
  public static Report examine(Vertx vertx, SettingsLoader.Result loaded, boolean complete) {
    var doctor = new Doctor(vertx);
    doctor.java();
    switch (loaded) {
      case SettingsLoader.Result.Refused refused ->
          refused
              .problems()
              .forEach(problem ->
                  doctor.findings.add(
                      Finding.failed(
                          "settings", problem.name() + ": " + problem.fault(), problem.fix())));
      case SettingsLoader.Result.Loaded fine -> {
        doctor.settings(fine);
        doctor.findings.addAll(new PortCheck(fine.settings(), doctor.probe).findings());
        List<String> listed = doctor.list(fine.settings());
        doctor.findings.addAll(
            new UpstreamCheck(fine.settings(), doctor.probe).findings(listed, complete));
      }
    }
    return new Report(doctor.findings);
  }

  private void java() {
    int feature = Runtime.version().feature();
    String detail = "Java " + Runtime.version();
    findings.add(
        feature >= NEEDED_JAVA
            ? Finding.ok("java", detail)
            : Finding.failed("java", detail, "Install a JDK 25 and set JAVA_HOME to it."));
  }

  private void settings(SettingsLoader.Result.Loaded loaded) {
    String set =
        loaded.origins().stream()
            .filter(origin -> origin.source() != Origin.Source.DEFAULT)
            .map(Doctor::shown)
            .collect(Collectors.joining(", "));
    findings.add(Finding.ok("settings", set + "; all others by default"));
    for (String warning : loaded.warnings()) {
      findings.add(
          Finding.warning(
              "settings",
              warning,
              "Mend it in .env or in the environment; then restart or reload."));
    }
  }

  private static String shown(Origin origin) {
    String source = origin.source() == Origin.Source.DOT_ENV ? ".env" : "environment";
    return origin.setting() + "=" + origin.shown() + " (" + source + ")";
  }

  /** Read by what the proxy reads it with, within the same limits. */
  private List<String> list(Settings settings) {
    Settings.ModelList list = settings.modelList();
    return switch (probe.list(settings)) {
      case CatalogParser.Result.Unusable(FetchFailure failure) -> {
        findings.add(
            Finding.failed("list", list.shown() + ": " + failure.error(), fix(failure.type())));
        yield List.of();
      }
      case CatalogParser.Result.Parsed parsed -> {
        findings.add(
            Finding.ok(
                "list",
                "%d models, best is %s%s"
                    .formatted(
                        parsed.models().size(),
                        parsed.models().getFirst().id(),
                        parsed.updatedAt() == null ? "" : ", made " + parsed.updatedAt())));
        yield parsed.models().stream().map(Model::id).toList();
      }
    };
  }

  private static String fix(FetchFailure.Type failure) {
    return switch (failure) {
      case NETWORK, TIMEOUT, STATUS ->
          "Check the network and HTTPS_PROXY; open the address in a browser.";
      case REDIRECT, TOO_LARGE, NOT_JSON, NO_USABLE_ENTRY, INTERNAL -> "Check MODELS_LIST_URL.";
    };
  }
}

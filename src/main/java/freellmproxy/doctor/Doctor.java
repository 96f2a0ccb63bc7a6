package freellmproxy.doctor;

import freellmproxy.catalog.CatalogParser;
import freellmproxy.catalog.Model;
import freellmproxy.config.Origin;
import freellmproxy.config.Settings;
import freellmproxy.config.SettingsLoader;
import freellmproxy.doctor.Probe.Result;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
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
        doctor.port(fine.settings());
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
              "settings", warning, "Keep one of the two values, or mend the name; then restart."));
    }
  }

  private static String shown(Origin origin) {
    String source = origin.source() == Origin.Source.DOT_ENV ? ".env" : "environment";
    return origin.setting() + "=" + origin.shown() + " (" + source + ")";
  }

  private void port(Settings settings) {
    Settings.Listen listen = settings.listen();
    int port = listen.port();
    var place = new InetSocketAddress(listen.host(), port);
    if (!canListen(new InetSocketAddress(listen.host(), 0))) {
      findings.add(
          Finding.failed(
              "port",
              "HOST=" + listen.host() + " is no address of this machine",
              "Set HOST to one, or to 0.0.0.0 for all of them."));
      return;
    }
    URI own = listen.url(port);
    Result health = probe.get(own.resolve("/health"), Settings.Egress.DIRECT, null);
    if (health instanceof Result.Answered answered
        && answered.json().path("status").asText().equals("ok")) {
      findings.add(Finding.ok("port", port + " is used by a running free-llm-proxy"));
      running(settings, own);
    } else if (canListen(place)) {
      findings.add(Finding.ok("port", port + " is free"));
      findings.add(
          Finding.warning("proxy", "none is running at port " + port, "Start ./free-llm-proxy."));
    } else {
      String owner = PortOwner.of(place).orElse("another process");
      findings.add(
          Finding.failed(
              "port", port + " is used by " + owner, "Stop it, or set PORT to a free port."));
    }
  }

  private static boolean canListen(InetSocketAddress place) {
    try (var socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(place);
      return true;
    } catch (IOException refused) {
      return false;
    }
  }

  private void running(Settings settings, URI own) {
    Result models =
        probe.get(
            own.resolve("/v1/models"), Settings.Egress.DIRECT, settings.keys().proxy().reveal());
    if (models instanceof Result.Answered answered && answered.status() == 403) {
      findings.add(
          Finding.failed(
              "proxy",
              "the running one has another PROXY_API_KEY than " + settings.keys().proxy().tail(),
              "Restart it; it may have begun before the key was changed, or somewhere else."));
      return;
    }
    Result ready = probe.get(own.resolve("/ready"), Settings.Egress.DIRECT, null);
    findings.add(
        switch (ready) {
          case Result.Answered answered when answered.status() == 200 ->
              Finding.ok(
                  "proxy",
                  "ready, %d of %d models can be asked"
                      .formatted(
                          answered.json().path("available").asInt(),
                          answered.json().path("models").asInt()));
          case Result.Answered answered ->
              Finding.failed(
                  "proxy",
                  "it runs but is not ready, %d models known"
                      .formatted(answered.json().path("models").asInt()),
                  "See the checks below; POST /admin/refresh ends all rests.");
          case Result.Silent silent -> Finding.failed("proxy", silent.reason(), "Restart it.");
        });
  }

  private List<String> list(Settings settings) {
    Settings.ModelList list = settings.modelList();
    Result result = probe.get(list.url(), list.egress(), null);
    if (!(result instanceof Result.Answered answered) || answered.status() != 200) {
      findings.add(
          Finding.failed(
              "list",
              list.shown() + ": " + result.said(),
              "Check the network and HTTPS_PROXY; open the address in a browser."));
      return List.of();
    }
    return switch (new CatalogParser(settings.upstream()::allows).parse(answered.body())) {
      case CatalogParser.Result.Unusable unusable -> {
        findings.add(
            Finding.failed(
                "list", unusable.failure().error(), "Check MODELS_LIST_URL: " + list.shown()));
        yield List.of();
      }
      case CatalogParser.Result.Parsed parsed -> {
        String age = answered.json().path("updatedAt").asText("");
        findings.add(
            Finding.ok(
                "list",
                "%d models, best is %s%s"
                    .formatted(
                        parsed.models().size(),
                        parsed.models().getFirst().id(),
                        age.isEmpty() ? "" : ", made " + age)));
        yield parsed.models().stream().map(Model::id).toList();
      }
    };
  }
}

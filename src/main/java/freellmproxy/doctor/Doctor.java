package freellmproxy.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * Answers why the proxy does not work. Every check tells what it saw and what to do; none costs a
 * request of the daily quota unless asked to. Blocks while it looks: not for event loops.
 */
public final class Doctor {
  private static final ObjectMapper JSON = new ObjectMapper();
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
  public static List<Finding> examine(Vertx vertx, SettingsLoader.Result loaded, boolean complete) {
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
        doctor.upstream(fine.settings(), doctor.list(fine.settings()), complete);
      }
    }
    return List.copyOf(doctor.findings);
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
    int port = settings.listen().port();
    URI own = URI.create("http://127.0.0.1:" + port);
    Result health = probe.get(own.resolve("/health"), Settings.Egress.DIRECT, null);
    if (health instanceof Result.Answered answered
        && json(answered).path("status").asText().equals("ok")) {
      findings.add(Finding.ok("port", port + " is used by a running free-llm-proxy"));
      running(settings, own);
    } else if (isFree(settings)) {
      findings.add(Finding.ok("port", port + " is free"));
      findings.add(
          Finding.warning("proxy", "none is running at port " + port, "Start ./free-llm-proxy."));
    } else {
      String owner = PortOwner.of(port).orElse("another process");
      findings.add(
          Finding.failed(
              "port", port + " is used by " + owner, "Stop it, or set PORT to a free port."));
    }
  }

  private static boolean isFree(Settings settings) {
    try (var socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(settings.listen().host(), settings.listen().port()));
      return true;
    } catch (IOException taken) {
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
                          json(answered).path("available").asInt(),
                          json(answered).path("models").asInt()));
          case Result.Answered answered ->
              Finding.failed(
                  "proxy",
                  "it runs but is not ready, %d models known"
                      .formatted(json(answered).path("models").asInt()),
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
              list.url() + ": " + said(result),
              "Check the network and HTTPS_PROXY; open the address in a browser."));
      return List.of();
    }
    return switch (new CatalogParser(id -> true).parse(answered.body())) {
      case CatalogParser.Result.Unusable unusable -> {
        findings.add(
            Finding.failed(
                "list", unusable.failure().error(), "Check MODELS_LIST_URL: " + list.url()));
        yield List.of();
      }
      case CatalogParser.Result.Parsed parsed -> {
        String age = json(answered).path("updatedAt").asText("");
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

  private void upstream(Settings settings, List<String> listed, boolean complete) {
    Result key = get(settings, "/key");
    switch (key) {
      case Result.Silent silent ->
          findings.add(
              Finding.failed(
                  "upstream",
                  settings.upstream().baseUrl() + ": " + silent.reason(),
                  "Check the network, HTTPS_PROXY and SSL_CERT_FILE."));
      case Result.Answered answered -> {
        findings.add(Finding.ok("upstream", settings.upstream().baseUrl() + " answers"));
        findings.add(judgeKey(settings, answered));
        if (answered.status() == 200) {
          privacy(settings, listed);
          if (complete) {
            tryOne(settings, listed);
          }
        }
      }
    }
  }

  private static Finding judgeKey(Settings settings, Result.Answered answered) {
    String tail = settings.keys().openRouter().tail();
    if (answered.status() == 401 || answered.status() == 403) {
      return Finding.failed(
          "key",
          "OPENROUTER_API_KEY " + tail + " is refused (" + answered.status() + ")",
          "Make a new one at openrouter.ai/settings/keys.");
    }
    if (answered.status() != 200) {
      return Finding.warning(
          "key",
          "it could not be checked: the upstream answered " + answered.status(),
          "Nothing, where the upstream is not OpenRouter; else try again later.");
    }
    JsonNode free = json(answered).at("/data/free_model_daily_requests");
    if (!free.isObject()) {
      return Finding.ok("key", tail + " is valid");
    }
    String used =
        "%s is valid, %d of %d free requests of today are used, %d left"
            .formatted(
                tail,
                free.path("used").asInt(),
                free.path("limit").asInt(),
                free.path("remaining").asInt());
    return free.path("remaining").asInt() > 0
        ? Finding.ok("key", used)
        : Finding.failed(
            "key", used, "Wait until midnight UTC, or buy 10 credits once: 1000 a day then.");
  }

  private void privacy(Settings settings, List<String> listed) {
    Result models = get(settings, "/models/user");
    if (!(models instanceof Result.Answered answered) || answered.status() != 200) {
      findings.add(
          Finding.warning(
              "privacy",
              "/models/user: " + said(models),
              "Look at openrouter.ai/settings/privacy."));
      return;
    }
    Set<String> allowed =
        StreamSupport.stream(json(answered).path("data").spliterator(), false)
            .map(model -> model.path("id").asText())
            .collect(Collectors.toSet());
    List<String> blocked = listed.stream().filter(id -> !allowed.contains(id)).toList();
    findings.add(
        blocked.isEmpty()
            ? Finding.ok("privacy", "the account may use every model of the list")
            : Finding.warning(
                "privacy",
                "the account cannot use %d of %d: %s"
                    .formatted(blocked.size(), listed.size(), String.join(", ", blocked)),
                "Allow free models at openrouter.ai/settings/privacy, unless this is meant."));
  }

  private void tryOne(Settings settings, List<String> listed) {
    if (listed.isEmpty()) {
      return;
    }
    String model = listed.getFirst();
    String body =
        JSON.createObjectNode()
            .put("model", model)
            .put("max_tokens", 16)
            .set(
                "messages",
                JSON.createArrayNode()
                    .add(JSON.createObjectNode().put("role", "user").put("content", "Say hello.")))
            .toString();
    Result result =
        probe.post(
            URI.create(settings.upstream().baseUrl() + "/chat/completions"),
            settings.upstream().egress(),
            settings.keys().openRouter().reveal(),
            body);
    findings.add(
        result instanceof Result.Answered answered && answered.status() == 200
            ? Finding.ok("try", model + " answered")
            : Finding.warning(
                "try", model + ": " + said(result), "The proxy would ask the next model."));
  }

  private Result get(Settings settings, String path) {
    return probe.get(
        URI.create(settings.upstream().baseUrl() + path),
        settings.upstream().egress(),
        settings.keys().openRouter().reveal());
  }

  private static String said(Result result) {
    return switch (result) {
      case Result.Answered answered -> "it answered " + answered.status();
      case Result.Silent silent -> silent.reason();
    };
  }

  private static JsonNode json(Result.Answered answered) {
    try {
      return JSON.readTree(answered.body());
    } catch (IOException e) {
      return JSON.missingNode();
    }
  }

  /** The findings as a table for a terminal. */
  public static String table(List<Finding> findings) {
    var out = new StringBuilder();
    for (Finding finding : findings) {
      String mark =
          switch (finding.state()) {
            case OK -> "✓";
            case WARNING -> "!";
            case FAULT -> "✗";
          };
      out.append(
          String.format(Locale.ROOT, "%s %-9s %s%n", mark, finding.check(), finding.detail()));
      if (!finding.fix().isEmpty()) {
        out.append(String.format(Locale.ROOT, "  %-9s → %s%n", "", finding.fix()));
      }
    }
    return out.toString();
  }

  /** The findings as one JSON object. */
  public static String json(List<Finding> findings) {
    var root = JSON.createObjectNode();
    root.put("ok", isFine(findings));
    var all = root.putArray("findings");
    for (Finding finding : findings) {
      all.addObject()
          .put("check", finding.check())
          .put("state", finding.state().name().toLowerCase(Locale.ROOT))
          .put("detail", finding.detail())
          .put("fix", finding.fix());
    }
    return root.toPrettyString();
  }

  /** Whether nothing stands in the way. */
  public static boolean isFine(List<Finding> findings) {
    return findings.stream().noneMatch(finding -> finding.state() == Finding.State.FAULT);
  }
}

package freellmproxy.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.config.Settings;
import freellmproxy.doctor.Probe.Result;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** Whether the upstream answers, takes our key and lets the account use the models. */
final class UpstreamCheck {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Settings settings;
  private final Probe probe;
  private final List<Finding> findings = new ArrayList<>();

  UpstreamCheck(Settings settings, Probe probe) {
    this.settings = settings;
    this.probe = probe;
  }

  /**
   * Asks for what costs nothing, and for one answer of a model where that is wanted.
   *
   * @param listed the models of the list
   */
  List<Finding> findings(List<String> listed, boolean complete) {
    Result key = get("/key");
    switch (key) {
      case Result.Silent silent ->
          findings.add(
              Finding.failed(
                  "upstream",
                  settings.upstream().baseUrl() + ": " + silent.reason(),
                  "Check the network, HTTPS_PROXY and SSL_CERT_FILE."));
      case Result.Answered answered -> {
        findings.add(Finding.ok("upstream", settings.upstream().baseUrl() + " answers"));
        findings.add(judgeKey(answered));
        if (answered.status() == 200) {
          privacy(listed);
          if (complete) {
            tryOne(listed);
          }
        }
      }
    }
    return List.copyOf(findings);
  }

  private Finding judgeKey(Result.Answered answered) {
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
    JsonNode free = answered.json().at("/data/free_model_daily_requests");
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

  private void privacy(List<String> listed) {
    Result models = get("/models/user");
    if (!(models instanceof Result.Answered answered) || answered.status() != 200) {
      findings.add(
          Finding.warning(
              "privacy",
              "/models/user: " + models.said(),
              "Look at openrouter.ai/settings/privacy."));
      return;
    }
    Set<String> allowed =
        StreamSupport.stream(answered.json().path("data").spliterator(), false)
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

  private void tryOne(List<String> listed) {
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
                "try", model + ": " + result.said(), "The proxy would ask the next model."));
  }

  private Result get(String path) {
    return probe.get(
        URI.create(settings.upstream().baseUrl() + path),
        settings.upstream().egress(),
        settings.keys().openRouter().reveal());
  }
}

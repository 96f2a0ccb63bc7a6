package freellmproxy.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import freellmproxy.config.Redactor;
import freellmproxy.doctor.Answer.Answered;
import freellmproxy.doctor.Answer.Silent;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** Whether the account may use the models of the list. */
final class ModelsCheck {
  private static final String CHECK = "privacy";
  private static final int MOST_NAMED = 5;

  private final Function<String, Answer> get;
  private final Redactor redactor;

  /**
   * A check.
   *
   * @param get asks the upstream for a path
   */
  ModelsCheck(Function<String, Answer> get, Redactor redactor) {
    this.get = get;
    this.redactor = redactor;
  }

  /** What the account may use of these. */
  List<Finding> findings(List<String> listed) {
    if (listed.isEmpty()) {
      return List.of();
    }
    return switch (get.apply("/models/user")) {
      case Silent silent -> List.of(unknown(silent.why()));
      case Answered answered when answered.json().path("data").isArray() ->
          List.of(compare(listed, ids(answered.json())));
      case Answered answered when answered.status() == 404 || answered.status() == 405 ->
          known(listed);
      case Answered answered -> List.of(unknown(answered.said(redactor)));
    };
  }

  private static Finding unknown(String why) {
    return Finding.warning(
        CHECK,
        "which models the account may use (/models/user) is not known: " + why,
        "Look at openrouter.ai/settings/privacy, or run the doctor again.");
  }

  /** Of an upstream that has no accounts like that. */
  private List<Finding> known(List<String> listed) {
    if (!(get.apply("/models") instanceof Answered answered)
        || !answered.json().path("data").isArray()) {
      return List.of();
    }
    Set<String> ids = ids(answered.json());
    return listed.stream().anyMatch(ids::contains)
        ? List.of()
        : List.of(
            Finding.failed(
                "models",
                "the upstream has none of the list's models, such as " + listed.getFirst(),
                "Set MODELS_LIST_URL to a list of what is at UPSTREAM_BASE_URL: its own /models"
                    + " will not do, {\"models\":[{\"id\":\"NAME\"}]} will."));
  }

  private static Finding compare(List<String> listed, Set<String> allowed) {
    List<String> blocked = listed.stream().filter(id -> !allowed.contains(id)).toList();
    if (blocked.isEmpty()) {
      return Finding.ok(CHECK, "the account may use every model of the list");
    }
    String detail =
        "the account cannot use %d of %d listed models: %s"
            .formatted(blocked.size(), listed.size(), Words.few(blocked, MOST_NAMED));
    return blocked.size() == listed.size()
        ? Finding.failed(
            CHECK,
            detail,
            "Allow free models (\"may train on or publish prompts\") at"
                + " openrouter.ai/settings/privacy, and look at its ignored providers and"
                + " guardrails.")
        : Finding.warning(
            CHECK,
            detail,
            "Allow free models at openrouter.ai/settings/privacy, unless this is meant.");
  }

  private static Set<String> ids(JsonNode models) {
    return StreamSupport.stream(models.path("data").spliterator(), false)
        .map(model -> model.path("id").asText())
        .collect(Collectors.toSet());
  }
}

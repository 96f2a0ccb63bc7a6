package freellmproxy.http;

import com.fasterxml.jackson.core.JsonGenerator;
import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import freellmproxy.catalog.Capability;
import freellmproxy.catalog.Catalog;
import freellmproxy.catalog.Model;
import freellmproxy.json.JsonBytes;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** {@code GET /v1/models} and {@code GET /v1/models/{id}}: the snapshot in OpenAI form, by rank. */
final class ModelsEndpoint {
  static final String PATH = "/v1/models";

  /** Names for whichever model answers; clients fill their menus from the list. */
  private static final List<String> ANY_MODEL = List.of("auto", "free-model");

  private final Supplier<Catalog> catalog;
  private final IntSupplier maxAttempts;

  /**
   * Shows the list of the moment.
   *
   * @param maxAttempts how many models may be asked for one request
   */
  ModelsEndpoint(Supplier<Catalog> catalog, IntSupplier maxAttempts) {
    this.catalog = catalog;
    this.maxAttempts = maxAttempts;
  }

  void list(HttpCall call) {
    Catalog snapshot = catalog.get();
    if (snapshot.isEmpty()) {
      call.error(ChatEndpoint.notReady());
      return;
    }
    call.json(
        200,
        JsonBytes.object(json -> {
          json.writeStringField("object", "list");
          json.writeArrayFieldStart("data");
          for (String name : ANY_MODEL) {
            json.writeStartObject();
            write(json, any(name, snapshot), "free-llm-proxy", snapshot);
            json.writeEndObject();
          }
          for (Model model : snapshot.models()) {
            json.writeStartObject();
            write(json, model, "openrouter", snapshot);
            json.writeEndObject();
          }
          json.writeEndArray();
        }));
  }

  void one(HttpCall call) {
    Catalog snapshot = catalog.get();
    if (snapshot.isEmpty()) {
      call.error(ChatEndpoint.notReady());
      return;
    }
    String id = decoded(call.path().substring(PATH.length() + 1)).orElse("");
    if (ANY_MODEL.contains(id)) {
      Model any = any(id, snapshot);
      call.json(200, JsonBytes.object(json -> write(json, any, "free-llm-proxy", snapshot)));
      return;
    }
    snapshot
        .find(id)
        .ifPresentOrElse(
            model ->
                call.json(
                    200, JsonBytes.object(json -> write(json, model, "openrouter", snapshot))),
            () -> call.error(unknown()));
  }

  /**
   * What can be counted on whichever model answers: the smallest window of those that may be asked
   * for one request, so that a client shortens its conversation before the first of them refuses.
   * Of what requests need, all that some model can, since only those are asked.
   */
  private Model any(String name, Catalog snapshot) {
    Long window =
        snapshot.models().stream()
            .limit(maxAttempts.getAsInt())
            .map(Model::contextLength)
            .filter(Objects::nonNull)
            .min(Long::compare)
            .orElse(null);
    Set<Capability> supported =
        snapshot.models().stream()
            .flatMap(model -> model.supported().stream())
            .collect(Collectors.toSet());
    return new Model(name, "Best free model at the moment", window, null, supported, Set.of());
  }

  /** An id has a slash and a colon, which some clients percent-encode. */
  private static Optional<String> decoded(String id) {
    try {
      return Optional.of(URLDecoder.decode(id.replace("+", "%2B"), StandardCharsets.UTF_8));
    } catch (IllegalArgumentException malformed) {
      return Optional.empty();
    }
  }

  private static void write(JsonGenerator json, Model model, String owner, Catalog snapshot)
      throws IOException {
    json.writeStringField("id", model.id());
    json.writeStringField("object", "model");
    json.writeNumberField("created", snapshot.fetchedAt().getEpochSecond());
    json.writeStringField("owned_by", owner);
    if (model.name() != null) {
      json.writeStringField("name", model.name());
    }
    if (model.contextLength() != null) {
      json.writeNumberField("context_length", model.contextLength());
    }
    if (model.maxCompletionTokens() != null) {
      json.writeNumberField("max_completion_tokens", model.maxCompletionTokens());
    }
    if (!model.supported().isEmpty()) {
      json.writeArrayFieldStart("supported_parameters");
      for (Capability capability : Capability.values()) {
        if (model.supported().contains(capability)) {
          json.writeString(capability.parameter());
        }
      }
      json.writeEndArray();
    }
  }

  private static ApiError unknown() {
    return new ApiError(
        404,
        "invalid_request_error",
        "model_not_found",
        "This model is not on the current list; GET /v1/models shows the list.",
        "model",
        Retry.POINTLESS);
  }
}

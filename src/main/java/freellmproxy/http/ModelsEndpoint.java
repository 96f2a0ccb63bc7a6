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
import java.util.Optional;
import java.util.function.Supplier;

/** {@code GET /v1/models} and {@code GET /v1/models/{id}}: the snapshot in OpenAI form, by rank. */
final class ModelsEndpoint {
  static final String PATH = "/v1/models";

  private final Supplier<Catalog> catalog;

  ModelsEndpoint(Supplier<Catalog> catalog) {
    this.catalog = catalog;
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
          for (Model model : snapshot.models()) {
            json.writeStartObject();
            write(json, model, snapshot);
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
    decoded(call.path().substring(PATH.length() + 1))
        .flatMap(snapshot::find)
        .ifPresentOrElse(
            model -> call.json(200, JsonBytes.object(json -> write(json, model, snapshot))),
            () -> call.error(unknown()));
  }

  /** An id has a slash and a colon, which some clients percent-encode. */
  private static Optional<String> decoded(String id) {
    try {
      return Optional.of(URLDecoder.decode(id.replace("+", "%2B"), StandardCharsets.UTF_8));
    } catch (IllegalArgumentException malformed) {
      return Optional.empty();
    }
  }

  private static void write(JsonGenerator json, Model model, Catalog snapshot) throws IOException {
    json.writeStringField("id", model.id());
    json.writeStringField("object", "model");
    json.writeNumberField("created", snapshot.fetchedAt().getEpochSecond());
    json.writeStringField("owned_by", "openrouter");
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

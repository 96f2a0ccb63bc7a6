package freellmproxy.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import freellmproxy.json.JsonTree;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A recorded answer of the real model list, as the sandbox serves it. */
record RecordedList(String json) {
  /** Our flags and OpenRouter's names for them. */
  private static final Map<String, String> PARAMETERS =
      Map.of(
          "supportsTools", "tools",
          "supportsToolChoice", "tool_choice",
          "supportsStructuredOutputs", "structured_outputs",
          "supportsResponseFormat", "response_format",
          "supportsReasoning", "reasoning",
          "supportsSeed", "seed",
          "supportsStop", "stop");

  static RecordedList load() {
    try (InputStream in = RecordedList.class.getResourceAsStream("top-models.json")) {
      byte[] bytes =
          Objects.requireNonNull(in, "top-models.json is part of the jar").readAllBytes();
      return new RecordedList(new String(bytes, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("reading a resource of the jar cannot fail", e);
    }
  }

  private JsonNode entries() {
    try {
      return JsonTree.read(json.getBytes(StandardCharsets.UTF_8)).path("models");
    } catch (IOException e) {
      throw new UncheckedIOException("the recorded list is JSON", e);
    }
  }

  /** The ids, best first. */
  List<String> ids() {
    var ids = new ArrayList<String>();
    entries().forEach(entry -> ids.add(entry.path("id").asText()));
    return ids;
  }

  /** The same models as {@code GET /models} of OpenRouter shows them. */
  String asOpenRouterModels() {
    ObjectNode answer = JsonTree.object();
    ArrayNode data = answer.putArray("data");
    for (JsonNode entry : entries()) {
      ObjectNode model = data.addObject();
      model.set("id", entry.path("id"));
      model.set("name", entry.path("name"));
      model.set("context_length", entry.path("contextLength"));
      model.putObject("pricing").put("prompt", "0").put("completion", "0").put("request", "0");
      ArrayNode supported = model.putArray("supported_parameters");
      PARAMETERS.forEach((flag, name) -> {
        if (entry.path(flag).asBoolean()) {
          supported.add(name);
        }
      });
    }
    return JsonTree.write(answer);
  }
}

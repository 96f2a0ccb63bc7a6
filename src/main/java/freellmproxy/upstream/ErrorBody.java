package freellmproxy.upstream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import freellmproxy.json.JsonTree;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The facts in an error body, wherever OpenRouter has put them ({@code docs/upstream.md} section
 * 1). What is missing, of another type or not JSON at all reads as empty.
 */
record ErrorBody(JsonNode error) {
  /** Error bodies are small; of a large one only the status counts. */
  private static final int LARGEST = 1 << 20;

  static final ErrorBody NONE = new ErrorBody(MissingNode.getInstance());

  static ErrorBody parse(byte[] body) {
    if (body.length == 0 || body.length > LARGEST) {
      return NONE;
    }
    try {
      JsonNode root = JsonTree.read(body);
      // Google wraps its errors in an array.
      return of(root.isArray() ? root.path(0) : root);
    } catch (IOException notJson) {
      return NONE;
    }
  }

  private static ErrorBody of(JsonNode root) {
    JsonNode error = root.path("error");
    JsonNode choiceError = root.path("choices").path(0).path("error");
    if (!isAbsent(error)) {
      return new ErrorBody(error);
    }
    // Some servers leave the envelope out.
    return new ErrorBody(choiceError.isMissingNode() ? root : choiceError);
  }

  /** An empty object or text beside an answer says that there is no error. */
  private static boolean isAbsent(JsonNode error) {
    return switch (error.getNodeType()) {
      case MISSING, NULL -> true;
      case STRING -> error.textValue().isBlank();
      case ARRAY, OBJECT -> error.isEmpty();
      case BINARY, BOOLEAN, NUMBER, POJO -> false;
    };
  }

  private JsonNode metadata() {
    return error.path("metadata");
  }

  String message() {
    return error.isTextual() ? error.textValue() : error.path("message").asText("");
  }

  /** The HTTP status that the body names: a number, the same as text, or beside the code. */
  OptionalInt status() {
    OptionalInt code = status(error.path("code"));
    return code.isPresent() ? code : status(error.path("http_status"));
  }

  private static OptionalInt status(JsonNode node) {
    int number = node.asInt(0);
    return number >= 400 && number <= 599 ? OptionalInt.of(number) : OptionalInt.empty();
  }

  /** A code in letters, such as {@code context_length_exceeded}; empty when it is a number. */
  String symbol() {
    JsonNode code = error.path("code");
    return code.isTextual() && status(code).isEmpty() ? code.textValue() : "";
  }

  /** {@code error_type}, which stands in two places. */
  String errorType() {
    String type = error.path("error_type").asText("");
    return type.isEmpty() ? metadata().path("error_type").asText("") : type;
  }

  String availabilityCode() {
    return error.path("availability").path("code").asText("");
  }

  JsonNode availabilityRetryAfter() {
    return error.path("availability").path("retry_after");
  }

  /** Why {@code constraint_filtered} filtered, as one text. */
  String excludedBy() {
    return error.path("availability").path("excluded_by").toString();
  }

  String failedRoutingStep() {
    return metadata().path("failed_routing_step").asText("");
  }

  String limitSource() {
    return metadata().path("limit_source").asText("");
  }

  boolean has(String metadataField) {
    return metadata().hasNonNull(metadataField);
  }

  JsonNode retryAfterSeconds() {
    return metadata().path("retry_after_seconds");
  }

  /** A response header that OpenRouter repeats in the body. */
  Optional<String> repeatedHeader(String name) {
    return metadata().path("headers").properties().stream()
        .filter(header -> header.getKey().equalsIgnoreCase(name))
        .map(Map.Entry::getValue)
        .map(JsonNode::asText)
        .findFirst();
  }

  /** The message and what the provider itself said, in lower case, to look for phrases in. */
  String text() {
    @Nullable JsonNode raw = metadata().get("raw");
    String said = raw == null ? "" : raw.isTextual() ? raw.textValue() : raw.toString();
    return (message() + '\n' + said).toLowerCase(Locale.ROOT);
  }
}

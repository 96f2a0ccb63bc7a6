package freellmproxy.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.TextNode;
import freellmproxy.json.JsonTree;
import freellmproxy.sse.SseEvent;
import freellmproxy.sse.SseParser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The facts in an error body, wherever OpenRouter or the host behind it has put them ({@code
 * docs/upstream.md} section 1). What is missing or of another type reads as empty.
 *
 * @param error the error object, or a text where that is all there is
 */
record ErrorBody(JsonNode error, Form form) {
  /** Error bodies are small; of a large one only the status counts. */
  private static final int LARGEST = 1 << 20;

  /** Of a text, this much is looked at. */
  private static final int LONGEST_TEXT = 4096;

  static final ErrorBody NONE = new ErrorBody(MissingNode.getInstance(), Form.NOTHING);

  /** What kind of text a body is. */
  enum Form {
    NOTHING,
    JSON,
    /** Words without any form. */
    TEXT,
    /** HTML: no API wrote it, but a server or a forward proxy in front of one. */
    PAGE
  }

  static ErrorBody parse(byte[] body) {
    if (body.length == 0 || body.length > LARGEST) {
      return NONE;
    }
    Optional<JsonNode> json = json(body);
    if (json.isPresent()) {
      return of(json.get());
    }
    String text = new String(body, 0, Math.min(body.length, LONGEST_TEXT), UTF_8).strip();
    if (text.startsWith("\ufeff")) {
      text = text.substring(1).strip();
    }
    if (text.isEmpty()) {
      return NONE;
    }
    return new ErrorBody(TextNode.valueOf(text), text.startsWith("<") ? Form.PAGE : Form.TEXT);
  }

  /** The body's JSON, which some servers frame as an event although it is no stream. */
  private static Optional<JsonNode> json(byte[] body) {
    return container(body)
        .or(() -> events(body).stream().flatMap(data -> container(data).stream()).findFirst());
  }

  private static Optional<JsonNode> container(byte[] text) {
    try {
      return Optional.of(JsonTree.read(text)).filter(JsonNode::isContainerNode);
    } catch (IOException notJson) {
      return Optional.empty();
    }
  }

  private static List<byte[]> events(byte[] body) {
    var events = new ArrayList<byte[]>(1);
    var parser = new SseParser(LARGEST);
    parser.feed(body, event -> addTo(events, event));
    parser.finish(event -> addTo(events, event));
    return events;
  }

  private static void addTo(List<byte[]> events, SseEvent event) {
    events.add(event.data());
  }

  private static ErrorBody of(JsonNode root) {
    // Google wraps its errors in an array.
    JsonNode top = root.isArray() ? root.path(0) : root;
    JsonNode choiceError = top.path("choices").path(0).path("error");
    // Cloudflare has a list of them; some servers leave the envelope out.
    JsonNode error =
        Stream.of(top.path("error"), top.path("errors"), choiceError)
            .filter(node -> !isAbsent(node))
            .findFirst()
            .orElse(top);
    error = error.isArray() ? error.path(0) : error;
    // A gateway that speaks to another one wraps it twice.
    JsonNode inner = error.path("error");
    return new ErrorBody(inner.isObject() && !inner.isEmpty() ? inner : error, Form.JSON);
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
    if (error.isTextual()) {
      return form == Form.PAGE ? "" : error.textValue();
    }
    for (String field : new String[] {"message", "detail", "title", "error"}) {
      JsonNode said = error.path(field);
      if (said.isTextual()) {
        return said.textValue();
      }
      if (said.isContainerNode()) {
        return said.toString();
      }
    }
    return "";
  }

  /** What the page is called; empty when it is no page. */
  String pageTitle() {
    String page = form == Form.PAGE ? error.textValue() : "";
    String lower = page.toLowerCase(Locale.ROOT);
    int tag = lower.indexOf("<title");
    int start = tag < 0 ? -1 : lower.indexOf('>', tag);
    int end = start < 0 ? -1 : lower.indexOf("</title", start);
    return end < 0 ? "" : page.substring(start + 1, end);
  }

  /** The HTTP status that the body names: a number, the same as text, or beside the code. */
  OptionalInt status() {
    return Stream.of("code", "http_status", "status", "status_code")
        .mapToInt(field -> error.path(field).asInt(0))
        .filter(number -> number >= 400 && number <= 599)
        .findFirst();
  }

  /** Whether there is a code of an API, in letters or as a number. */
  boolean hasCode() {
    return error.hasNonNull("code");
  }

  /** Whether one of the codes in letters is among these, OpenRouter's or the host's. */
  boolean isNamed(Set<String> codes) {
    return Stream.concat(names(), host().names()).anyMatch(codes::contains);
  }

  private Stream<String> names() {
    return Stream.of(
            error.path("code"),
            error.path("type"),
            error.path("status"),
            error.path("error_type"),
            metadata().path("error_type"))
        .filter(JsonNode::isTextual)
        .map(name -> name.textValue().toLowerCase(Locale.ROOT));
  }

  /** What the host behind OpenRouter answered, where it is passed on and can be read. */
  ErrorBody host() {
    JsonNode raw = metadata().path("raw");
    if (raw.isObject()) {
      return of(raw);
    }
    return raw.isTextual() ? parse(raw.textValue().getBytes(UTF_8)) : NONE;
  }

  /** Whether the host that serves the model is named, or what it said is passed on. */
  boolean isFromHost() {
    JsonNode raw = metadata().path("raw");
    return !metadata().path("provider_name").asText("").isBlank()
        || (raw.isTextual() ? !raw.textValue().isBlank() : !raw.isEmpty());
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

  /** The message and what the host itself said, in lower case, to look for phrases in. */
  String text() {
    @Nullable JsonNode raw = metadata().get("raw");
    String said = raw == null ? "" : raw.isTextual() ? raw.textValue() : raw.toString();
    return (cut(message()) + '\n' + cut(said)).toLowerCase(Locale.ROOT);
  }

  /** Errors are short; what is long repeats a prompt, and costs time to look through. */
  private static String cut(String text) {
    return text.substring(0, Math.min(text.length(), LONGEST_TEXT));
  }
}

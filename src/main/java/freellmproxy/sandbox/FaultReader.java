package freellmproxy.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import freellmproxy.json.JsonTree;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Reads a behaviour from JSON. The answer: {@code "status"} with {@code "headers"} and {@code
 * "body"}; or {@code "fault"}: {@code html, garbage, silence, hang_up, reset, empty, comments,
 * padding}; or {@code "answer"} (text, {@code "pieces"} times) with {@code "reasoning"} and {@code
 * "tool_call": {"name","arguments"}}; or {@code "agent": true}: writes the file it is asked for.
 * What is done to it: {@code "delay_ms"} before the head, {@code "event_delay_ms"} before each
 * write, {@code "after_writes"} with {@code "then"}: {@code fin, reset, drop, stall, end}, {@code
 * "gzip": true}, {@code "piece_bytes"}.
 */
final class FaultReader {
  private static final Duration EVERY = Duration.ofMillis(200);

  private FaultReader() {}

  /** Throws IllegalArgumentException with a message for the person who wrote it. */
  static Behaviour read(JsonNode script) {
    if (!script.isObject()) {
      throw new IllegalArgumentException("an entry must be an object");
    }
    Behaviour behaviour = answer(script);
    if (script.path("gzip").asBoolean()) {
      behaviour = Faults.gzipped(behaviour);
    }
    if (script.has("piece_bytes")) {
      behaviour = behaviour.inPiecesOf(Math.max(1, script.path("piece_bytes").asInt()));
    }
    if (script.has("event_delay_ms")) {
      behaviour = behaviour.paced(millis(script, "event_delay_ms"));
    }
    if (script.has("after_writes")) {
      behaviour =
          behaviour.upTo(script.path("after_writes").asInt(), ending(script.path("then").asText()));
    }
    return script.has("delay_ms")
        ? behaviour.after(new Step.Pause(millis(script, "delay_ms")))
        : behaviour;
  }

  private static Behaviour answer(JsonNode script) {
    if (script.has("status")) {
      return status(script);
    }
    if (script.path("agent").asBoolean()) {
      return new AgentTurn(ChatAnswer.standard());
    }
    if (script.has("fault")) {
      return named(script.path("fault").asText());
    }
    ChatAnswer answer = ChatAnswer.empty();
    if (script.has("reasoning")) {
      answer = answer.thenReasoning(script.path("reasoning").asText());
    }
    if (script.has("answer")) {
      String[] pieces = new String[Math.max(1, script.path("pieces").asInt(1))];
      Arrays.fill(pieces, script.path("answer").asText());
      answer = answer.thenText("[sandbox] ").thenText(pieces);
    }
    JsonNode call = script.path("tool_call");
    if (call.isObject()) {
      String arguments = call.path("arguments").asText("{}");
      int half = arguments.length() / 2;
      answer =
          answer.thenToolCall(
              "call_sandbox_1",
              call.path("name").asText(),
              arguments.substring(0, half),
              arguments.substring(half));
    }
    boolean saysSomething = script.has("answer") || script.has("reasoning") || call.isObject();
    return saysSomething ? answer : ChatAnswer.standard();
  }

  private static Behaviour status(JsonNode script) {
    Map<String, String> headers = new HashMap<>();
    script
        .path("headers")
        .properties()
        .forEach(h -> headers.put(h.getKey(), h.getValue().asText()));
    JsonNode body = script.path("body");
    return Faults.status(
        script.path("status").asInt(200),
        headers,
        body.isTextual() ? body.textValue() : body.isMissingNode() ? "" : JsonTree.write(body));
  }

  private static Behaviour named(String fault) {
    return switch (fault) {
      case "html" -> Faults.html(200);
      case "garbage" -> Faults.garbage();
      case "silence" -> Faults.silence();
      case "hang_up" -> Faults.hangUp();
      case "reset" -> Faults.reset();
      case "empty" -> ChatAnswer.empty();
      case "comments" -> Faults.commentsForEver(EVERY);
      case "padding" -> Faults.paddingForEver(EVERY);
      default -> throw new IllegalArgumentException("no such fault: " + fault);
    };
  }

  private static Step ending(String name) {
    return switch (name) {
      case "fin" -> new Step.Fin();
      case "reset" -> new Step.Reset();
      case "drop" -> new Step.Drop();
      case "stall" -> new Step.Stall();
      case "end" -> new Step.End();
      default -> throw new IllegalArgumentException("no such ending: " + name);
    };
  }

  private static Duration millis(JsonNode script, String field) {
    return Duration.ofMillis(script.path(field).asLong());
  }
}

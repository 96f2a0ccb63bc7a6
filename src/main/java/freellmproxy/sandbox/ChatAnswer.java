package freellmproxy.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import freellmproxy.json.JsonTree;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A good answer: a chat completion, or the same as a stream when the request asks for one. Every
 * answer says that the sandbox gave it.
 */
public final class ChatAnswer implements Behaviour {
  private static final byte[] DONE = "data: [DONE]\n\n".getBytes(UTF_8);
  private static final byte[] PROCESSING = ": OPENROUTER PROCESSING\n\n".getBytes(UTF_8);

  private final List<Delta> deltas;
  private final String finishReason;
  private final int toolCalls;

  /** One piece of the model's output: what it adds to a delta, and to the whole message. */
  private record Delta(Consumer<ObjectNode> toChunk, Consumer<ObjectNode> toMessage) {}

  private ChatAnswer(List<Delta> deltas, String finishReason, int toolCalls) {
    this.deltas = List.copyOf(deltas);
    this.finishReason = finishReason;
    this.toolCalls = toolCalls;
  }

  /** An answer with nothing in it. */
  public static ChatAnswer empty() {
    return new ChatAnswer(List.of(), "stop", 0);
  }

  /** Plain text, streamed in these pieces. */
  public static ChatAnswer text(String... pieces) {
    return empty().thenText(pieces);
  }

  /** What an unscripted model says. */
  public static Behaviour standard() {
    return request ->
        text("[sandbox] ", request.model(), " answers ", "from a fake OpenRouter.").steps(request);
  }

  public ChatAnswer thenText(String... pieces) {
    var answer = this;
    for (String piece : pieces) {
      answer = answer.with(append("content", piece));
    }
    return answer;
  }

  /** Reasoning, in both forms that OpenRouter sends. */
  public ChatAnswer thenReasoning(String text) {
    return with(
        both(node -> {
          node.put("reasoning", node.path("reasoning").asText("") + text);
          node.withArray("reasoning_details")
              .addObject()
              .put("type", "reasoning.text")
              .put("text", text);
        }));
  }

  /** A tool call whose arguments come in pieces. */
  public ChatAnswer thenToolCall(String id, String name, String... argumentPieces) {
    int index = toolCalls;
    var answer =
        with(
            new Delta(
                chunk -> {
                  ObjectNode call = chunk.withArray("tool_calls").addObject();
                  call.put("index", index).put("id", id).put("type", "function");
                  call.putObject("function").put("name", name).put("arguments", "");
                },
                message -> {
                  ObjectNode call = message.withArray("tool_calls").addObject();
                  call.put("index", index).put("id", id).put("type", "function");
                  call.putObject("function")
                      .put("name", name)
                      .put("arguments", String.join("", argumentPieces));
                }));
    for (String piece : argumentPieces) {
      answer =
          answer.with(
              new Delta(
                  chunk -> {
                    ObjectNode call = chunk.withArray("tool_calls").addObject();
                    call.put("index", index).putObject("function").put("arguments", piece);
                  },
                  message -> {}));
    }
    return new ChatAnswer(answer.deltas, "tool_calls", toolCalls + 1);
  }

  public ChatAnswer finishing(String reason) {
    return new ChatAnswer(deltas, reason, toolCalls);
  }

  private ChatAnswer with(Delta delta) {
    var more = new ArrayList<>(deltas);
    more.add(delta);
    return new ChatAnswer(more, finishReason, toolCalls);
  }

  private static Delta append(String field, String text) {
    return both(node -> node.put(field, node.path(field).asText("") + text));
  }

  private static Delta both(Consumer<ObjectNode> change) {
    return new Delta(change, change);
  }

  @Override
  public List<Step> steps(ReceivedRequest request) {
    return request.stream() ? streamed(request) : whole(request);
  }

  private List<Step> whole(ReceivedRequest request) {
    ObjectNode answer = envelope(request, "chat.completion");
    ObjectNode choice = answer.withArray("choices").addObject().put("index", 0);
    ObjectNode message = choice.putObject("message").put("role", "assistant");
    message.putNull("content");
    deltas.forEach(delta -> delta.toMessage().accept(message));
    choice.put("finish_reason", finishReason);
    addUsage(answer);
    return List.of(
        new Step.Head(200, Map.of("content-type", "application/json", "x-sandbox", "true")),
        new Step.Write(JsonTree.write(answer).getBytes(UTF_8)),
        new Step.End());
  }

  private List<Step> streamed(ReceivedRequest request) {
    var steps = new ArrayList<Step>();
    steps.add(new Step.Head(200, Map.of("content-type", "text/event-stream", "x-sandbox", "true")));
    steps.add(new Step.Write(PROCESSING));
    steps.add(event(chunk(request, delta -> delta.put("role", "assistant").put("content", ""))));
    deltas.forEach(delta -> steps.add(event(chunk(request, delta.toChunk()))));
    ObjectNode last = chunk(request, delta -> {});
    ((ObjectNode) last.path("choices").path(0)).put("finish_reason", finishReason);
    steps.add(event(last));
    ObjectNode usage = envelope(request, "chat.completion.chunk");
    usage.putArray("choices");
    addUsage(usage);
    steps.add(event(usage));
    steps.add(new Step.Write(DONE));
    steps.add(new Step.End());
    return steps;
  }

  private static ObjectNode chunk(ReceivedRequest request, Consumer<ObjectNode> change) {
    ObjectNode chunk = envelope(request, "chat.completion.chunk");
    ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
    change.accept(choice.putObject("delta"));
    choice.putNull("finish_reason");
    return chunk;
  }

  private static ObjectNode envelope(ReceivedRequest request, String object) {
    return JsonTree.object()
        .put("id", "gen-sandbox-" + request.number())
        .put("object", object)
        .put("created", 1_770_000_000)
        .put("model", request.model())
        .put("provider", "sandbox");
  }

  private static void addUsage(ObjectNode answer) {
    answer
        .putObject("usage")
        .put("prompt_tokens", 7)
        .put("completion_tokens", 5)
        .put("total_tokens", 12);
  }

  /** One event with this JSON as its data. */
  static Step event(JsonNode json) {
    return new Step.Write(("data: " + JsonTree.write(json) + "\n\n").getBytes(UTF_8));
  }
}

package freellmproxy.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import freellmproxy.json.JsonTree;
import freellmproxy.sse.SseEvent;
import freellmproxy.upstream.UpstreamReply.Fault;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one stream has said so far, as far as its next event depends on it. Mends what clients
 * cannot read where it can be meant in one way only; what conforms stays byte for byte (contract
 * section 6).
 */
final class ChatStream {
  /** An event that only frames the others is smaller. */
  private static final int LARGEST_ENVELOPE = 4 << 10;

  private final StreamedCalls calls = new StreamedCalls();
  private boolean output;
  private boolean thinking;
  private boolean finished;

  /** Whether there is more than one choice, each of which finishes for itself. */
  private boolean several;

  private byte @Nullable [] envelope;

  /** Takes the next event; returns it as clients can read it, null where nothing is left of it. */
  @Nullable SseEvent next(SseEvent event, ChatChunk chunk) {
    byte[] data = event.data();
    several |= chunk.others;
    if (envelope == null && chunk.choices && data.length <= LARGEST_ENVELOPE) {
      envelope = data;
    }
    List<Edit> edits = chunk.edits;
    if (!several && finished && !chunk.isUseful()) {
      // Some providers finish twice, and a reader may have put the answer together at the first.
      if (!chunk.usage) {
        return null;
      }
      edits = chunk.choices ? withoutChoices(chunk) : edits;
    } else if (!several && (!chunk.calls.isEmpty() || chunk.finishReason != null)) {
      edits = new ArrayList<>(edits);
      placeCalls(chunk, data, edits);
      mendFinish(chunk, edits);
    }
    output |= chunk.output;
    thinking |= chunk.thinking;
    finished |= chunk.finishReason != null;
    return edits.isEmpty() ? event : new SseEvent(event.name(), Edit.apply(data, edits));
  }

  private static List<Edit> withoutChoices(ChatChunk chunk) {
    boolean hasSome = chunk.choicesEnd > chunk.choicesStart + "[]".length();
    return hasSome ? List.of(new Edit(chunk.choicesStart, chunk.choicesEnd, "[]")) : List.of();
  }

  private void placeCalls(ChatChunk chunk, byte[] data, List<Edit> edits) {
    for (ToolCallPiece call : chunk.calls) {
      int index = calls.place(call, data);
      if (index == call.index()) {
        continue;
      }
      edits.add(
          call.indexStart() == ToolCallPiece.ABSENT
              ? Edit.insert(call.start() + 1, "\"index\":" + index + ",")
              : new Edit(call.indexStart(), call.indexEnd(), "" + index));
    }
  }

  private void mendFinish(ChatChunk chunk, List<Edit> edits) {
    if (chunk.finishReason == null) {
      return;
    }
    if (finished) {
      edits.add(new Edit(chunk.finishStart, chunk.finishEnd, "null"));
    } else if (chunk.finishReason.equals("stop") && !calls.isEmpty()) {
      edits.add(new Edit(chunk.finishStart, chunk.finishEnd, "\"tool_calls\""));
    }
  }

  /** What is wrong with a stream that finishes with this event; null when nothing is. */
  @Nullable Fault faultOf(ChatChunk chunk) {
    boolean finishesNow = chunk.finishReason != null && !finished && !chunk.isCutShort();
    boolean saidNothing = !output && !chunk.output && (thinking || chunk.thinking);
    return finishesNow && saidNothing ? Fault.ONLY_THINKING : null;
  }

  /**
   * The upstream says that this was all; null when it had not finished and something is missing.
   */
  UpstreamReply end() {
    if (finished || (!output && !thinking)) {
      return new UpstreamReply.Done(null);
    }
    if (!output) {
      return new UpstreamReply.Failure(Fault.ONLY_THINKING);
    }
    return calls.areWhole()
        ? new UpstreamReply.Done(finish())
        : new UpstreamReply.Failure(Fault.NOT_FINISHED);
  }

  /** The event that was left out. */
  private SseEvent finish() {
    ObjectNode event = JsonTree.object();
    JsonNode first = firstEvent();
    for (String field : List.of("id", "object", "created", "model")) {
      if (first.hasNonNull(field)) {
        event.set(field, first.get(field));
      }
    }
    ObjectNode choice = event.putArray("choices").addObject().put("index", 0);
    choice.putObject("delta");
    choice.put("finish_reason", calls.isEmpty() ? "stop" : "tool_calls");
    return new SseEvent(null, JsonTree.write(event).getBytes(UTF_8));
  }

  private JsonNode firstEvent() {
    try {
      return envelope == null ? JsonTree.object() : JsonTree.read(envelope);
    } catch (IOException cannotBe) {
      return JsonTree.object();
    }
  }
}

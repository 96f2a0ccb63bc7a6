package freellmproxy.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;

import freellmproxy.chat.ChatRequest;
import freellmproxy.chat.OfferedTools;
import freellmproxy.json.JsonCursor;
import freellmproxy.upstream.ChatChunk;
import freellmproxy.upstream.ReplyClassifier;
import freellmproxy.upstream.ToolCallPiece;
import freellmproxy.upstream.UpstreamReply.Fault;
import freellmproxy.upstream.Verdict;

/**
 * Whether a model used the tools that it was offered as an agent can follow, in a whole answer: as
 * long as nothing has been sent, another model may do better (contract section 5).
 */
final class ToolUse {
  private final byte[] answer;
  private final ChatRequest request;
  private final ChatChunk chunk;

  /**
   * In an answer that is useful otherwise.
   *
   * @param request one that offers tools, not released yet
   */
  ToolUse(byte[] answer, ChatRequest request) {
    this.answer = answer;
    this.request = request;
    this.chunk = ChatChunk.ofAnswer(answer);
  }

  /** The answer, in which a model that calls tools does not say that it has stopped. */
  byte[] mendedAnswer() {
    return chunk.mendedAnswer();
  }

  Verdict judge() {
    if (chunk.calls().isEmpty()) {
      return SpokenCall.in(chunk.content()) == SpokenCall.CALL
          ? ReplyClassifier.judgeFailure(Fault.CALL_AS_TEXT.label())
          : new Verdict.Useful();
    }
    OfferedTools offered = request.offeredTools();
    for (ToolCallPiece call : chunk.calls()) {
      if (!offered.mayHave(call.name())) {
        return ReplyClassifier.judgeFailure("unknown_tool_called");
      }
      if (!isJson(call.arguments(answer))) {
        return ReplyClassifier.judgeFailure("broken_tool_arguments");
      }
    }
    return new Verdict.Useful();
  }

  /** No arguments at all are those of a tool that takes none. */
  private static boolean isJson(String arguments) {
    if (arguments.isBlank()) {
      return true;
    }
    var json = new JsonCursor(arguments.getBytes(UTF_8));
    json.skip();
    return json.isAtEnd();
  }
}

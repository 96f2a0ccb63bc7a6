package freellmproxy.upstream;

import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonText;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one event of a chat stream says, or one whole answer: the few facts that decide what becomes
 * of it. The rest of it is never looked at.
 */
public final class ChatChunk {
  private static final byte[] NOTHING = {};

  /** A cursor has arrays of its own, which are as large as many an event. */
  private static final FastThreadLocal<JsonCursor> CURSOR =
      new FastThreadLocal<>() {
        @Override
        protected JsonCursor initialValue() {
          return new JsonCursor(NOTHING);
        }
      };

  /** What it was read from. */
  private final byte[] data;

  boolean json;
  boolean error;

  /** Whether it calls a tool as the API did before there were {@code tool_calls}. */
  boolean functionCall;

  /** Whether something in it is where no client looks for it. */
  boolean misplaced;

  boolean choices;
  boolean usage;
  boolean output;
  boolean thinking;

  /** Whether it is about other choices than the first one. */
  boolean others;

  @Nullable String finishReason;
  int finishStart;
  int finishEnd;
  int choicesStart;
  int choicesEnd;
  int contentStart;
  int contentEnd;
  List<ToolCallPiece> calls = List.of();

  /** What has to be changed for clients to read it; in nearly all of them nothing. */
  List<Edit> edits = List.of();

  ChatChunk(byte[] data) {
    this.data = data;
  }

  /** Reads the data of one event of a stream. */
  public static ChatChunk ofEvent(byte[] data) {
    return read(data, AnswerForm.STREAM);
  }

  /** Reads a whole answer; leading white space is no obstacle. */
  public static ChatChunk ofAnswer(byte[] body) {
    return read(body, AnswerForm.WHOLE);
  }

  private static ChatChunk read(byte[] data, AnswerForm form) {
    JsonCursor json = CURSOR.get();
    json.begin(data, data.length);
    try {
      return new ChunkReader(json, data, form).read();
    } finally {
      json.begin(NOTHING, 0);
    }
  }

  /** Whether it is one JSON object in which all is where it belongs, or an error in an array. */
  public boolean isReadable() {
    return json && !misplaced;
  }

  /** Whether it says that the upstream or the model failed. */
  public boolean isError() {
    return error;
  }

  /** Whether it has something of the model in it, be it only its thoughts. */
  public boolean isUseful() {
    return output || thinking;
  }

  /** Whether it has something in it that is for the user: all but thoughts. */
  public boolean isOutput() {
    return output;
  }

  /** Why the model stopped; null when it has not. */
  public @Nullable String finishReason() {
    return finishReason;
  }

  /**
   * Whether the model was made to stop, so that it may have said nothing through no fault of its.
   */
  public boolean isCutShort() {
    return "length".equals(finishReason) || "content_filter".equals(finishReason);
  }

  /** Whether it calls a tool, or goes on with that. */
  boolean callsTools() {
    return functionCall || !calls.isEmpty();
  }

  /** The tool calls in it, or the pieces of some. */
  public List<ToolCallPiece> calls() {
    return calls;
  }

  /** Its content as text; empty where that is not a text. */
  public String content() {
    return contentEnd == 0 ? "" : JsonText.decode(data, contentStart, contentEnd);
  }

  /**
   * The whole answer as agents can follow it: one that calls tools has not stopped. The same bytes
   * where nothing is to be mended.
   */
  public byte[] mendedAnswer() {
    boolean saysStop = !others && !calls.isEmpty() && "stop".equals(finishReason);
    return saysStop
        ? Edit.apply(data, List.of(new Edit(finishStart, finishEnd, "\"tool_calls\"")))
        : data;
  }

  void add(Edit edit) {
    edits = edits.isEmpty() ? new ArrayList<>(2) : edits;
    edits.add(edit);
  }

  void add(ToolCallPiece call) {
    calls = calls.isEmpty() ? new ArrayList<>(2) : calls;
    calls.add(call);
  }
}

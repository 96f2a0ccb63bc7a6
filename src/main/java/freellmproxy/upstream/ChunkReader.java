package freellmproxy.upstream;

import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;
import java.util.List;

/** Reads a {@link ChatChunk} in one pass. */
final class ChunkReader {
  /** What a model says, in any of its forms (contract section 6). */
  private static final List<String> OUTPUT =
      List.of("content", "refusal", "audio", "images", "function_call");

  private static final List<String> THINKING =
      List.of("reasoning", "reasoning_content", "reasoning_details");

  private final JsonCursor json;
  private final byte[] data;
  private final AnswerForm form;
  private final ChatChunk chunk;

  ChunkReader(JsonCursor json, byte[] data, AnswerForm form) {
    this.json = json;
    this.data = data;
    this.form = form;
    this.chunk = new ChatChunk(data);
  }

  ChatChunk read() {
    if (json.kind() == Kind.OBJECT) {
      readTop();
      chunk.json = json.isAtEnd();
    } else if (json.kind() == Kind.ARRAY && json.enterArray() && json.kind() == Kind.OBJECT) {
      // Google wraps its errors in an array; nothing else comes in one.
      readTop();
      chunk.json = chunk.error;
    }
    return chunk;
  }

  private void readTop() {
    int start = json.position();
    boolean hasField = false;
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      hasField = true;
      if (isNamed("choices")) {
        readChoices();
      } else if (isNamed("error")) {
        chunk.error |= Substance.isFault(json, data);
      } else {
        chunk.usage |= json.kind() == Kind.OBJECT && isNamed("usage");
        json.skip();
      }
    }
    if (hasField && !chunk.choices && chunk.edits.isEmpty()) {
      chunk.add(Edit.insert(start + 1, "\"choices\":[],"));
    }
  }

  private void readChoices() {
    int start = json.position();
    switch (json.kind()) {
      case ARRAY -> {
        chunk.choices = true;
        for (boolean more = json.enterArray(); more; more = json.nextElement()) {
          readChoice();
        }
        chunk.choicesStart = start;
        chunk.choicesEnd = json.position();
      }
      case NULL -> {
        json.skip();
        chunk.add(new Edit(start, json.position(), "[]"));
      }
      case OBJECT, STRING, NUMBER, TRUE, FALSE, NONE -> {
        json.skip();
        chunk.misplaced = true;
      }
    }
  }

  private void readChoice() {
    if (json.kind() != Kind.OBJECT) {
      json.skip();
      chunk.misplaced = true;
      return;
    }
    int start = json.position();
    boolean hasField = false;
    boolean hasMessage = false;
    boolean saidElsewhere = false;
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      hasField = true;
      if (isNamed(messageField())) {
        hasMessage = true;
        readMessage();
      } else if (isNamed("finish_reason")) {
        readFinishReason();
      } else if (isNamed("index")) {
        chunk.others |= json.kind() == Kind.NUMBER && !json.isBefore("0");
        json.skip();
      } else if (isNamed("message") || isNamed("text")) {
        saidElsewhere |= Substance.isIn(json, data);
      } else if (isNamed("error")) {
        chunk.error |= Substance.isFault(json, data);
      } else {
        json.skip();
      }
    }
    if (form == AnswerForm.STREAM && !hasMessage) {
      chunk.misplaced |= saidElsewhere;
      chunk.add(Edit.insert(start + 1, hasField ? "\"delta\":{}," : "\"delta\":{}"));
    }
  }

  private String messageField() {
    return switch (form) {
      case STREAM -> "delta";
      case WHOLE -> "message";
    };
  }

  private void readFinishReason() {
    if (json.kind() != Kind.STRING) {
      json.skip();
      return;
    }
    int start = json.position();
    String reason = json.string();
    // Some providers send an empty one in every event.
    if (!reason.isEmpty()) {
      chunk.finishReason = reason;
      chunk.finishStart = start;
      chunk.finishEnd = json.position();
    }
    chunk.error |= reason.equals("error");
  }

  private void readMessage() {
    if (json.kind() != Kind.OBJECT) {
      readNoMessage();
      return;
    }
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      if (isNamed("tool_calls")) {
        readCalls();
      } else if (Substance.nameIsIn(json, OUTPUT)) {
        readOutput();
      } else if (Substance.nameIsIn(json, THINKING)) {
        chunk.thinking |= Substance.isIn(json, data);
      } else {
        json.skip();
      }
    }
  }

  private void readNoMessage() {
    int start = json.position();
    boolean isNull = json.kind() == Kind.NULL;
    json.skip();
    if (form == AnswerForm.STREAM && isNull) {
      chunk.add(new Edit(start, json.position(), "{}"));
    } else {
      chunk.misplaced = true;
    }
  }

  private void readOutput() {
    chunk.functionCall |= isNamed("function_call") && json.kind() == Kind.OBJECT;
    boolean isText = json.kind() == Kind.STRING && isNamed("content");
    int start = json.position();
    chunk.output |= Substance.isIn(json, data);
    if (isText && json.fault() == null) {
      chunk.contentStart = start;
      chunk.contentEnd = json.position();
    }
  }

  private void readCalls() {
    if (json.kind() != Kind.ARRAY) {
      chunk.output |= Substance.isIn(json, data);
      return;
    }
    for (boolean more = json.enterArray(); more; more = json.nextElement()) {
      if (json.kind() == Kind.OBJECT) {
        ToolCallPiece call = new CallReader(json, data).read();
        chunk.output |= call.says();
        chunk.add(call);
      } else {
        json.skip();
      }
    }
  }

  private boolean isNamed(String name) {
    return Substance.isNamed(json, name);
  }
}

package freellmproxy.upstream;

import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one event of a chat stream says, or one whole answer: the few facts that decide what becomes
 * of it. The rest of it is never looked at.
 */
public final class ChatChunk {
  /** Output of a model in any of its forms (contract section 6). */
  private static final List<String> CONTENT_FIELDS =
      List.of(
          "content",
          "reasoning",
          "reasoning_content",
          "reasoning_details",
          "refusal",
          "audio",
          "tool_calls",
          "function_call");

  private static final byte[] NOTHING = {};

  /** A cursor has arrays of its own, which are as large as many an event. */
  private static final FastThreadLocal<JsonCursor> CURSOR =
      new FastThreadLocal<>() {
        @Override
        protected JsonCursor initialValue() {
          return new JsonCursor(NOTHING);
        }
      };

  private boolean json;
  private boolean useful;
  private boolean error;
  private @Nullable String finishReason;

  private ChatChunk() {}

  /** Reads one JSON text; leading white space is no obstacle. */
  public static ChatChunk read(byte[] data) {
    JsonCursor json = CURSOR.get();
    json.begin(data, data.length);
    try {
      return read(json);
    } finally {
      json.begin(NOTHING, 0);
    }
  }

  private static ChatChunk read(JsonCursor json) {
    var chunk = new ChatChunk();
    if (json.kind() == Kind.OBJECT) {
      chunk.readTop(json);
      chunk.json = json.isAtEnd();
    } else if (json.kind() == Kind.ARRAY && json.enterArray() && json.kind() == Kind.OBJECT) {
      // Google wraps its errors in an array; nothing else comes in one.
      chunk.readTop(json);
      chunk.json = chunk.error;
    }
    return chunk;
  }

  /** Whether it is one JSON object, or an error in an array. */
  public boolean isJson() {
    return json;
  }

  /** Whether it has output of the model in it. */
  public boolean isUseful() {
    return useful;
  }

  /** Whether it says that the upstream or the model failed. */
  public boolean isError() {
    return error;
  }

  /** Why the model stopped; null when it has not. */
  public @Nullable String finishReason() {
    return finishReason;
  }

  private void readTop(JsonCursor json) {
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      Kind value = json.kind();
      if (json.nameIs("choices") && value == Kind.ARRAY) {
        for (boolean next = json.enterArray(); next; next = json.nextElement()) {
          readChoice(json);
        }
      } else {
        error |= json.nameIs("error") && isFault(value);
        json.skip();
      }
    }
  }

  private void readChoice(JsonCursor json) {
    if (json.kind() != Kind.OBJECT) {
      json.skip();
      return;
    }
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      Kind value = json.kind();
      if (json.nameIs("delta") || json.nameIs("message")) {
        readMessage(json);
      } else if (json.nameIs("text")) {
        useful |= isContent(json, value);
      } else if (json.nameIs("finish_reason")) {
        readFinishReason(json, value);
      } else {
        error |= json.nameIs("error") && isFault(value);
        json.skip();
      }
    }
  }

  /** Whether the value of {@code error} says that there is one. */
  private static boolean isFault(Kind value) {
    return value != Kind.NULL && value != Kind.FALSE;
  }

  private void readFinishReason(JsonCursor json, Kind value) {
    if (value == Kind.STRING) {
      String reason = json.string();
      // Some providers send an empty one in every event.
      finishReason = reason.isEmpty() ? finishReason : reason;
      error |= reason.equals("error");
    } else {
      json.skip();
    }
  }

  private void readMessage(JsonCursor json) {
    if (json.kind() != Kind.OBJECT) {
      json.skip();
      return;
    }
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      if (isContentField(json)) {
        useful |= isContent(json, json.kind());
      } else {
        json.skip();
      }
    }
  }

  private static boolean isContentField(JsonCursor json) {
    for (String field : CONTENT_FIELDS) {
      if (json.nameIs(field)) {
        return true;
      }
    }
    return false;
  }

  /** Whether a value says anything; leaves the cursor behind it. */
  private static boolean isContent(JsonCursor json, Kind value) {
    boolean isEmpty =
        switch (value) {
          case STRING -> passesEmptyString(json);
          case ARRAY -> passesNoElement(json);
          case OBJECT -> passesNoField(json);
          case NUMBER, TRUE, FALSE, NULL, NONE -> {
            json.skip();
            yield true;
          }
        };
    return !isEmpty;
  }

  private static boolean passesEmptyString(JsonCursor json) {
    int start = json.position();
    json.skip();
    return json.position() == start + 2;
  }

  private static boolean passesNoElement(JsonCursor json) {
    boolean some = json.enterArray();
    for (boolean more = some; more; more = json.nextElement()) {
      json.skip();
    }
    return !some;
  }

  private static boolean passesNoField(JsonCursor json) {
    boolean some = json.enterObject();
    for (boolean more = some; more; more = json.nextField()) {
      json.skip();
    }
    return !some;
  }
}

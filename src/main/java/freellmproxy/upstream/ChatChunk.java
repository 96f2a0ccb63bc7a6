package freellmproxy.upstream;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one event of a chat stream says, or one whole answer: the few facts that decide what becomes
 * of it. The rest of it is never looked at.
 */
public final class ChatChunk {
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .configure(JsonFactory.Feature.CHARSET_DETECTION, false)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxNameLength(Integer.MAX_VALUE)
                  .build())
          .build();

  /** Output of a model in any of its forms (contract section 6). */
  private static final Set<String> CONTENT_FIELDS =
      Set.of(
          "content",
          "reasoning",
          "reasoning_content",
          "reasoning_details",
          "refusal",
          "audio",
          "tool_calls",
          "function_call");

  private boolean json;
  private boolean useful;
  private boolean error;
  private @Nullable String finishReason;

  private ChatChunk() {}

  /** Reads one JSON text; leading white space is no obstacle. */
  public static ChatChunk read(byte[] data) {
    var chunk = new ChatChunk();
    try (JsonParser parser = JSON.createParser(data)) {
      if (parser.nextToken() == JsonToken.START_OBJECT) {
        chunk.readTop(parser);
        chunk.json = parser.nextToken() == null;
      }
    } catch (IOException malformed) {
      chunk.json = false;
    }
    return chunk;
  }

  /** Whether it is one JSON object. */
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

  private void readTop(JsonParser parser) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      JsonToken value = parser.nextToken();
      if (field.equals("choices") && value == JsonToken.START_ARRAY) {
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          readChoice(parser);
        }
      } else {
        error |= field.equals("error") && value != JsonToken.VALUE_NULL;
        parser.skipChildren();
      }
    }
  }

  private void readChoice(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      parser.skipChildren();
      return;
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      JsonToken value = parser.nextToken();
      switch (field) {
        case "delta", "message" -> readMessage(parser);
        case "text" -> useful |= isContent(parser, value);
        case "finish_reason" -> {
          if (value == JsonToken.VALUE_STRING) {
            finishReason = parser.getText();
            error |= finishReason.equals("error");
          }
        }
        case "error" -> {
          error |= value != JsonToken.VALUE_NULL;
          parser.skipChildren();
        }
        default -> parser.skipChildren();
      }
    }
  }

  private void readMessage(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      parser.skipChildren();
      return;
    }
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      boolean mayBeContent = CONTENT_FIELDS.contains(parser.currentName());
      JsonToken value = parser.nextToken();
      useful |= mayBeContent && isContent(parser, value);
      parser.skipChildren();
    }
  }

  /** Leaves the parser at the value or its end. */
  private static boolean isContent(JsonParser parser, JsonToken value) throws IOException {
    return switch (value) {
      case VALUE_STRING -> parser.getTextLength() > 0;
      case START_ARRAY -> {
        boolean some = parser.nextToken() != JsonToken.END_ARRAY;
        while (some && parser.currentToken() != JsonToken.END_ARRAY) {
          parser.skipChildren();
          parser.nextToken();
        }
        yield some;
      }
      case START_OBJECT -> {
        boolean some = parser.nextToken() != JsonToken.END_OBJECT;
        while (some && parser.currentToken() != JsonToken.END_OBJECT) {
          parser.nextToken();
          parser.skipChildren();
          parser.nextToken();
        }
        yield some;
      }
      default -> false;
    };
  }
}

package freellmproxy.chat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import freellmproxy.catalog.Capability;
import freellmproxy.chat.ChatRequest.Span;
import freellmproxy.chat.ChatRequest.Trait;
import freellmproxy.chat.Requirements.Input;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads a request body once, for the top-level fields the proxy routes on and the place of the
 * {@code model} value (contract sections 3, 4 and 12). The whole body is checked to be JSON.
 */
public final class RequestScan {
  /** Far beyond any conversation; keeps a hostile body from exhausting anything. */
  private static final int MAX_DEPTH = 1000;

  /**
   * Without charset detection, so that offsets count UTF-8 bytes whatever the body pretends to be.
   * Strings may be as long as the body may be: images come as base64.
   */
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .configure(JsonFactory.Feature.CHARSET_DETECTION, false)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxNameLength(Integer.MAX_VALUE)
                  .build())
          .build();

  private final JsonParser parser;
  private final ScannedFields fields = new ScannedFields();

  private RequestScan(JsonParser parser) {
    this.parser = parser;
  }

  /** What came of a scan. */
  public sealed interface Result {
    /** A request the proxy can route. */
    record Scanned(ChatRequest request) implements Result {}

    /** The body is not JSON: 400 {@code invalid_json}. */
    record NotJson(String message) implements Result {}

    /** JSON, but no chat request: 400 {@code invalid_request}. */
    record NotChat(String message, @Nullable String param, Set<Trait> traits) implements Result {}
  }

  /** Scans a body. Keeps the array: the caller must not change it afterwards. */
  public static Result scan(byte[] body) {
    if (body.length == 0) {
      return new Result.NotJson("The request body is empty; send a JSON object with `messages`.");
    }
    try (JsonParser parser = JSON.createParser(body)) {
      return new RequestScan(parser).run(body);
    } catch (JsonEOFException e) {
      return new Result.NotJson("The request body ends in the middle of its JSON.");
    } catch (StreamConstraintsException e) {
      return new Result.NotJson("The request body is nested deeper than " + MAX_DEPTH + " levels.");
    } catch (JsonParseException e) {
      return new Result.NotJson(
          "The request body is not valid JSON (at byte " + e.getLocation().getByteOffset() + ").");
    } catch (IOException e) {
      throw new UncheckedIOException("reading from an array cannot fail otherwise", e);
    }
  }

  private Result run(byte[] body) throws IOException {
    JsonToken first = parser.nextToken();
    if (first == null) {
      return new Result.NotJson("The request body is blank; send a JSON object with `messages`.");
    }
    if (first == JsonToken.START_OBJECT) {
      fields.firstFieldOffset = Math.toIntExact(parser.currentLocation().getByteOffset());
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        JsonToken value = parser.nextToken();
        readField(name, value);
      }
    } else {
      parser.skipChildren();
    }
    if (parser.nextToken() != null) {
      return new Result.NotJson("The request body has something after its JSON value.");
    }
    return first == JsonToken.START_OBJECT
        ? fields.check(body)
        : new Result.NotChat(
            "The request body must be a JSON object with `messages`.", null, Set.of());
  }

  /** Reads one top-level field. Leaves the parser at the last token of the value. */
  private void readField(String name, JsonToken value) throws IOException {
    // Of duplicate keys the last one counts, so each case sets all that its field can say.
    switch (name) {
      case "model" -> readModel(value);
      case "messages" -> readMessages(value);
      case "stream" -> fields.stream(value);
      case "tools" -> readTools(value);
      case "tool_choice" -> fields.need(Capability.TOOL_CHOICE, choosesATool(value));
      case "response_format" -> readResponseFormat(value);
      case "seed" -> {
        fields.need(Capability.SEED, isGiven(value));
        fields.trait(Trait.HAD_SEED, isGiven(value));
      }
      case "stop" -> {
        fields.need(Capability.STOP, isGiven(value));
        fields.trait(Trait.HAD_STOP, isGiven(value));
      }
      case "reasoning" -> fields.reasoning = isGiven(value);
      case "reasoning_effort" -> fields.reasoningEffort = isGiven(value);
      case "models", "route" -> fields.paid(name, isGiven(value));
      case "plugins" -> fields.paid(name, hasPaidPlugin(value));
      default -> {}
    }
    parser.skipChildren();
  }

  private static boolean isGiven(JsonToken value) {
    return value != JsonToken.VALUE_NULL;
  }

  private void readModel(JsonToken value) throws IOException {
    int start = Math.toIntExact(parser.currentTokenLocation().getByteOffset());
    fields.model = value == JsonToken.VALUE_STRING ? parser.getText() : null;
    parser.skipChildren();
    parser.finishToken();
    int end = Math.toIntExact(parser.currentLocation().getByteOffset());
    fields.modelValues.add(new Span(start, end));
  }

  private void readMessages(JsonToken value) throws IOException {
    fields.messagesAreArray = value == JsonToken.START_ARRAY;
    fields.inputs.clear();
    if (!fields.messagesAreArray) {
      return;
    }
    for (int depth = 1; depth > 0; ) {
      switch (parser.nextToken()) {
        case START_ARRAY, START_OBJECT -> depth++;
        case END_ARRAY, END_OBJECT -> depth--;
        case FIELD_NAME -> noteInput(parser.currentName());
        case null -> throw new JsonEOFException(parser, null, "messages do not end");
        default -> {}
      }
    }
  }

  /** A content part carries its payload in a field named after its type. */
  private void noteInput(String name) {
    switch (name) {
      case "image_url" -> fields.inputs.add(Input.IMAGE);
      case "input_audio" -> fields.inputs.add(Input.AUDIO);
      case "file" -> fields.inputs.add(Input.FILE);
      default -> {}
    }
  }

  private void readTools(JsonToken value) throws IOException {
    fields.toolsAreWrong = value != JsonToken.START_ARRAY && isGiven(value);
    boolean some = false;
    if (value == JsonToken.START_ARRAY) {
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        some = true;
        parser.skipChildren();
      }
    }
    fields.need(Capability.TOOLS, some);
    fields.trait(Trait.HAD_TOOLS, some);
  }

  private boolean choosesATool(JsonToken value) throws IOException {
    if (value != JsonToken.VALUE_STRING) {
      return isGiven(value);
    }
    String choice = parser.getText();
    return !choice.equals("auto") && !choice.equals("none");
  }

  private void readResponseFormat(JsonToken value) throws IOException {
    String type = "";
    if (value == JsonToken.START_OBJECT) {
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean isType = parser.currentName().equals("type");
        if (parser.nextToken() == JsonToken.VALUE_STRING && isType) {
          type = parser.getText();
        }
        parser.skipChildren();
      }
    }
    fields.need(Capability.STRUCTURED_OUTPUTS, type.equals("json_schema"));
    fields.need(Capability.RESPONSE_FORMAT, type.equals("json_object"));
    fields.trait(Trait.HAD_RESPONSE_FORMAT, isGiven(value));
  }

  private boolean hasPaidPlugin(JsonToken value) throws IOException {
    boolean paid = false;
    if (value == JsonToken.START_ARRAY) {
      for (JsonToken plugin = parser.nextToken();
          plugin != JsonToken.END_ARRAY;
          plugin = parser.nextToken()) {
        paid |= !PluginPrice.isFree(parser);
      }
    }
    return paid;
  }
}

package freellmproxy.chat;

import freellmproxy.catalog.Capability;
import freellmproxy.chat.ChatRequest.Span;
import freellmproxy.chat.ChatRequest.Trait;
import freellmproxy.chat.Requirements.Input;
import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;
import io.netty.buffer.ByteBuf;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads a request body once, for the top-level fields the proxy routes on and the place of the
 * {@code model} value (contract sections 3, 4 and 12). The whole body is checked to be JSON.
 */
public final class RequestScan {
  private final ByteBuf body;
  private final JsonCursor json;
  private final ScannedFields fields = new ScannedFields();

  private RequestScan(ByteBuf body, JsonCursor json) {
    this.body = body;
    this.json = json;
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

  /**
   * Scans a body.
   *
   * @param json stands before a copy of the body; not looked at afterwards
   */
  static Result scan(ByteBuf body, JsonCursor json) {
    return body.isReadable()
        ? new RequestScan(body, json).run()
        : new Result.NotJson("The request body is empty; send a JSON object with `messages`.");
  }

  private Result run() {
    if (json.isAtEnd()) {
      return new Result.NotJson("The request body is blank; send a JSON object with `messages`.");
    }
    boolean isObject = json.kind() == Kind.OBJECT;
    if (isObject) {
      fields.firstFieldOffset = json.position() + 1;
      for (boolean more = json.enterObject(); more; more = json.nextField()) {
        readField(json.name(), json.kind());
      }
    } else {
      json.skip();
    }
    boolean somethingFollows = !json.isAtEnd();
    if (json.fault() != null) {
      return new Result.NotJson(describe(json.fault()));
    }
    if (somethingFollows) {
      return new Result.NotJson("The request body has something after its JSON value.");
    }
    return isObject
        ? fields.check(body)
        : new Result.NotChat(
            "The request body must be a JSON object with `messages`.", null, Set.of());
  }

  private String describe(JsonCursor.Fault fault) {
    return switch (fault) {
      case CUT_OFF -> "The request body ends in the middle of its JSON.";
      case MALFORMED -> "The request body is not valid JSON (at byte " + json.position() + ").";
      case TOO_DEEP ->
          "The request body is nested deeper than " + JsonCursor.MAX_DEPTH + " levels.";
    };
  }

  /** Reads one top-level field and leaves the cursor behind its value. */
  private void readField(String name, Kind value) {
    // Of duplicate keys the last one counts, so each case sets all that its field can say.
    switch (name) {
      case "model" -> readModel(value);
      case "messages" -> readMessages(value);
      case "stream" -> {
        fields.stream(value);
        json.skip();
      }
      case "tools" -> readTools(value);
      case "tool_choice" -> fields.need(Capability.TOOL_CHOICE, choosesATool(value));
      case "response_format" -> readResponseFormat(value);
      case "seed" -> {
        fields.need(Capability.SEED, skipGiven(value));
        fields.trait(Trait.HAD_SEED, isGiven(value));
      }
      case "stop" -> {
        fields.need(Capability.STOP, skipGiven(value));
        fields.trait(Trait.HAD_STOP, isGiven(value));
      }
      case "reasoning" -> fields.reasoning = skipGiven(value);
      case "reasoning_effort" -> fields.reasoningEffort = skipGiven(value);
      case "provider" -> fields.provider = skipGiven(value);
      case "models", "route" -> fields.paid(name, skipGiven(value));
      case "plugins" -> fields.paid(name, hasPaidPlugin(value));
      default -> json.skip();
    }
  }

  private static boolean isGiven(Kind value) {
    return value != Kind.NULL;
  }

  private boolean skipGiven(Kind value) {
    json.skip();
    return isGiven(value);
  }

  private void readModel(Kind value) {
    int start = json.position();
    if (value == Kind.STRING) {
      fields.model = json.string();
    } else {
      fields.model = null;
      json.skip();
    }
    fields.modelValues.add(new Span(start, json.position()));
  }

  private void readMessages(Kind value) {
    fields.messagesAreArray = value == Kind.ARRAY;
    fields.inputs.clear();
    if (fields.messagesAreArray) {
      json.skip(this::noteInput);
    } else {
      json.skip();
    }
  }

  /** A content part carries its payload in a field named after its type. */
  private void noteInput(JsonCursor field) {
    byte initial = field.nameInitial();
    if (initial != 'i' && initial != 'f' && initial != '\\') {
      return;
    }
    switch (field.name()) {
      case "image_url" -> fields.inputs.add(Input.IMAGE);
      case "input_audio" -> fields.inputs.add(Input.AUDIO);
      case "file" -> fields.inputs.add(Input.FILE);
      default -> {}
    }
  }

  private void readTools(Kind value) {
    fields.toolsAreWrong = value != Kind.ARRAY && isGiven(value);
    boolean some = false;
    if (value == Kind.ARRAY) {
      for (boolean more = json.enterArray(); more; more = json.nextElement()) {
        some = true;
        json.skip();
      }
    } else {
      json.skip();
    }
    fields.need(Capability.TOOLS, some);
    fields.trait(Trait.HAD_TOOLS, some);
  }

  private boolean choosesATool(Kind value) {
    if (value != Kind.STRING) {
      return skipGiven(value);
    }
    String choice = json.string();
    return !choice.equals("auto") && !choice.equals("none");
  }

  private void readResponseFormat(Kind value) {
    String type = "";
    if (value == Kind.OBJECT) {
      for (boolean more = json.enterObject(); more; more = json.nextField()) {
        if (json.nameIs("type") && json.kind() == Kind.STRING) {
          type = json.string();
        } else {
          json.skip();
        }
      }
    } else {
      json.skip();
    }
    fields.need(Capability.STRUCTURED_OUTPUTS, type.equals("json_schema"));
    fields.need(Capability.RESPONSE_FORMAT, type.equals("json_object"));
    fields.trait(Trait.HAD_RESPONSE_FORMAT, isGiven(value));
  }

  private boolean hasPaidPlugin(Kind value) {
    boolean paid = false;
    if (value == Kind.ARRAY) {
      for (boolean more = json.enterArray(); more; more = json.nextElement()) {
        paid |= !PluginPrice.isFree(json);
      }
    } else {
      json.skip();
    }
    return paid;
  }
}

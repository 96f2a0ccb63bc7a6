package freellmproxy.chat;

import freellmproxy.catalog.Capability;
import freellmproxy.chat.ChatRequest.Span;
import freellmproxy.chat.ChatRequest.Trait;
import freellmproxy.chat.Requirements.Input;
import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads a request body once, for the top-level fields the proxy routes on and the place of the
 * {@code model} value (contract sections 3, 4 and 12). The whole body is checked to be JSON.
 */
public final class RequestScan {
  /**
   * A field that comes twice or three times is the slip of a program that puts a request together;
   * what comes a million times is meant to cost us memory.
   */
  private static final int MOST_OCCURRENCES = 4;

  /** All that a log line shows of a model's name, and more than any choice or type has. */
  private static final int LONGEST_TEXT = 1200;

  private final ByteBuf body;
  private final JsonCursor json;
  private final ScannedFields fields = new ScannedFields();
  private final PaidFeatures paid;

  private final Set<RequestField> seen = EnumSet.noneOf(RequestField.class);

  /** Each field once for every time that it has come again. */
  private final List<RequestField> repeats = new ArrayList<>(0);

  private @Nullable RequestField repeated;

  private RequestScan(ByteBuf body, JsonCursor json) {
    this.body = body;
    this.json = json;
    this.paid = new PaidFeatures(json);
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
        readField(json.kind());
        if (repeated != null) {
          return tooOften(repeated);
        }
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
    fields.paidFeature = paid.first();
    return isObject
        ? fields.check(body)
        : new Result.NotChat(
            "The request body must be a JSON object with `messages`.", null, Set.of());
  }

  private Result tooOften(RequestField field) {
    String message =
        "`%s` is in the request more than %d times; send it once."
            .formatted(field.text(), MOST_OCCURRENCES);
    return new Result.NotChat(message, field.text(), Set.copyOf(fields.traits));
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
  private void readField(Kind value) {
    RequestField field =
        json.nameLength() > RequestField.LONGEST_WRITTEN ? null : RequestField.named(json.name());
    if (field == null) {
      json.skip();
    } else if (comesTooOften(field)) {
      repeated = field;
    } else {
      readField(field, value);
    }
  }

  private boolean comesTooOften(RequestField field) {
    if (seen.add(field)) {
      return false;
    }
    repeats.add(field);
    return Collections.frequency(repeats, field) >= MOST_OCCURRENCES;
  }

  private void readField(RequestField field, Kind value) {
    // Of duplicate keys the last one counts, so each case sets all that its field can say.
    switch (field) {
      case MODEL -> readModel(value);
      case MESSAGES -> readMessages(value);
      case STREAM -> {
        fields.stream(value);
        json.skip();
      }
      case TOOLS -> readTools(value);
      case TOOL_CHOICE -> fields.need(Capability.TOOL_CHOICE, choosesATool(value));
      case RESPONSE_FORMAT -> readResponseFormat(value);
      case SEED -> {
        fields.need(Capability.SEED, skipGiven(value));
        fields.trait(Trait.HAD_SEED, isGiven(value));
      }
      case STOP -> {
        fields.need(Capability.STOP, stops(value));
        fields.trait(Trait.HAD_STOP, isGiven(value));
      }
      case REASONING -> fields.reasoning = ReasoningField.passes(json);
      case REASONING_EFFORT -> fields.reasoningEffort = ReasoningField.passesEffort(json);
      case PROVIDER -> fields.provider = skipGiven(value);
      case MODELS, FALLBACKS, ROUTE ->
          paid.passField(field, "The proxy tries the other free models by itself.");
      case PRESET -> paid.passField(field, "It can name paid models and tools.");
      case WEB_SEARCH_OPTIONS, X_SEARCH_FILTER ->
          paid.passField(field, "Searches cost money with free models too.");
      case PLUGINS -> paid.passPlugins();
      case SERVICE_TIER, SPEED -> paid.passTier(field);
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
      fields.model = json.string(LONGEST_TEXT);
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
    if (field.nameIs("image_url")) {
      fields.inputs.add(Input.IMAGE);
    } else if (field.nameIs("input_audio")) {
      fields.inputs.add(Input.AUDIO);
    } else if (field.nameIs("file")) {
      fields.inputs.add(Input.FILE);
      paid.foundFile();
    }
  }

  private void readTools(Kind value) {
    fields.toolsAreWrong = value != Kind.ARRAY && isGiven(value);
    fields.toolsStart = json.position();
    int count = 0;
    if (value == Kind.ARRAY) {
      for (boolean more = json.enterArray(); more; more = json.nextElement()) {
        paid.passTool(RequestField.TOOLS, "tools", count++);
      }
    } else {
      json.skip();
    }
    fields.toolsEnd = json.position();
    fields.need(Capability.TOOLS, count > 0);
    fields.trait(Trait.HAD_TOOLS, count > 0);
  }

  private boolean choosesATool(Kind value) {
    if (value == Kind.OBJECT) {
      String type = paid.passToolChoice();
      return type == null || !isNoChoice(type);
    }
    if (value != Kind.STRING) {
      return skipGiven(value);
    }
    String choice = json.string(LONGEST_TEXT);
    paid.checkToolChoice(choice);
    return !isNoChoice(choice);
  }

  private static boolean isNoChoice(String choice) {
    return choice.isEmpty() || choice.equals("auto") || choice.equals("none");
  }

  /** Whether there is anything to stop at. */
  private boolean stops(Kind value) {
    int start = json.position();
    if (value != Kind.ARRAY) {
      boolean isGiven = skipGiven(value);
      return isGiven && !(value == Kind.STRING && json.position() == start + "\"\"".length());
    }
    boolean some = json.enterArray();
    for (boolean more = some; more; more = json.nextElement()) {
      json.skip();
    }
    return some;
  }

  private void readResponseFormat(Kind value) {
    String type = "";
    if (value == Kind.OBJECT) {
      for (boolean more = json.enterObject(); more; more = json.nextField()) {
        if (json.nameIs("type") && json.kind() == Kind.STRING) {
          type = json.string(LONGEST_TEXT);
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
}

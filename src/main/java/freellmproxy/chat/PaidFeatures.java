package freellmproxy.chat;

import static java.nio.charset.StandardCharsets.UTF_8;

import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Finds what OpenRouter could charge money for although the model is free (contract section 9,
 * decision 0025). Of a key given twice every value counts, since which one a reader takes is its
 * own choice. Each {@code pass} method passes the value that the cursor stands before.
 */
final class PaidFeatures {
  /** Enough for every name that is known here, and to show one that is not. */
  static final int LONGEST_TEXT = 100;

  private static final String FUNCTION = "function";

  /** How most clients write it; no text has to be made of that. */
  private static final String WRITTEN_FUNCTION = "\"function\"";

  private static final String TOOL_RULE = "Only tools of type `function` are free.";

  /** Choices among functions, in all dialects; OpenRouter takes the type of a tool too. */
  private static final Set<String> FREE_CHOICES =
      Set.of("auto", "none", "required", "any", FUNCTION, "tool", "allowed_tools");

  private static final Set<String> FREE_TIERS = Set.of("auto", "default", "standard");

  private final JsonCursor json;
  private @Nullable PaidFeature first;
  private boolean hasFile;
  private FileParser fileParser = FileParser.UNSAID;

  /** What the {@code plugins} of a request say about the engine that reads files. */
  private enum FileParser {
    UNSAID,
    FREE,
    /** Whatever OpenRouter takes by default. */
    LEFT_OPEN
  }

  PaidFeatures(JsonCursor json) {
    this.json = json;
  }

  /** The first one in the request, null when nothing there costs money. */
  @Nullable PaidFeature first() {
    if (hasFile && fileParser != FileParser.FREE) {
      found(
          RequestField.MESSAGES,
          "A `file` in `messages`",
          "OpenRouter reads files with a paid engine unless `plugins` has "
              + PluginList.FREE_FILE_PARSER
              + ".");
    }
    return first;
  }

  private void found(RequestField field, String what, String rule) {
    found(field, () -> what, rule);
  }

  private void found(RequestField field, Supplier<String> what, String rule) {
    if (first == null) {
      first = new PaidFeature(field.text(), what.get(), rule);
    }
  }

  /** A file in a message, which costs money where {@code plugins} do not say otherwise. */
  void foundFile() {
    hasFile = true;
  }

  /** A field that is free only when it is null, which means absent. */
  void passField(RequestField field, String rule) {
    if (json.kind() != Kind.NULL) {
      found(field, "`" + field.text() + "`", rule);
    }
    json.skip();
  }

  /** One entry of {@code tools}. Only functions are run by the client; the rest runs upstream. */
  void passTool(RequestField field, String place, int index) {
    if (json.kind() != Kind.OBJECT) {
      found(field, () -> "`%s[%d]`, which is no object,".formatted(place, index), TOOL_RULE);
      json.skip();
      return;
    }
    boolean hasType = false;
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      if (!json.nameIs("type")) {
        json.skip();
      } else if (json.isBefore(WRITTEN_FUNCTION)) {
        hasType = true;
        json.skip();
      } else {
        hasType = true;
        String type = passText();
        if (!type.equals(FUNCTION)) {
          found(field, () -> "`%s[%d].type` %s".formatted(place, index, quoted(type)), TOOL_RULE);
        }
      }
    }
    if (!hasType) {
      found(field, () -> "`%s[%d]`, which has no `type`,".formatted(place, index), TOOL_RULE);
    }
  }

  /**
   * {@code tool_choice} that is an object, or the object of {@code allowed_tools} in it.
   *
   * @return its type, null when it has none
   */
  @Nullable String passToolChoice() {
    String type = null;
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      if (json.nameIs("type")) {
        type = passText();
        checkChoice("`tool_choice.type`", type);
      } else if (json.nameIs("allowed_tools") && json.kind() == Kind.OBJECT) {
        passToolChoice();
      } else if (json.nameIs("tools") && json.kind() == Kind.ARRAY) {
        int index = 0;
        for (boolean tool = json.enterArray(); tool; tool = json.nextElement()) {
          passTool(RequestField.TOOL_CHOICE, "tool_choice.tools", index++);
        }
      } else {
        json.skip();
      }
    }
    return type;
  }

  /** {@code tool_choice} that is a text. */
  void checkToolChoice(String choice) {
    checkChoice("`tool_choice`", choice);
  }

  private void checkChoice(String place, String choice) {
    if (!FREE_CHOICES.contains(choice)) {
      found(RequestField.TOOL_CHOICE, place + " " + quoted(choice), TOOL_RULE);
    }
  }

  /** {@code plugins}, which may be given more than once. */
  void passPlugins() {
    if (json.kind() == Kind.NULL) {
      json.skip();
      fileParser = FileParser.LEFT_OPEN;
      return;
    }
    var plugins = new PluginList(json);
    plugins.pass();
    if (plugins.paid() != null) {
      found(RequestField.PLUGINS, plugins.paid(), PluginList.RULE);
    }
    boolean isFree = plugins.parsesFilesForFree() && fileParser != FileParser.LEFT_OPEN;
    fileParser = isFree ? FileParser.FREE : FileParser.LEFT_OPEN;
  }

  /** How fast a request is served; what is not the usual way has a price of its own. */
  void passTier(RequestField field) {
    if (json.kind() == Kind.NULL) {
      json.skip();
      return;
    }
    String tier = passText();
    if (!FREE_TIERS.contains(tier)) {
      found(field, "`" + field.text() + "` " + quoted(tier), "Only the default one is free.");
    }
  }

  private String passText() {
    return passText(json);
  }

  /** Reads a text that has to be one of a few; empty when it is none. */
  static String passText(JsonCursor json) {
    if (json.kind() == Kind.STRING) {
      return json.string(LONGEST_TEXT);
    }
    json.skip();
    return "";
  }

  /** As an error may show it: half of a surrogate pair cannot be written as UTF-8. */
  static String quoted(String text) {
    return '"' + new String(text.getBytes(UTF_8), UTF_8) + '"';
  }
}

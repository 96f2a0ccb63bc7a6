package freellmproxy.chat;

import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One {@code plugins} of a request. Which of OpenRouter's plugins are free even for a free model,
 * and with which options: even a free one could be told to use a paid model or engine. What is not
 * known to be free counts as paid, since a wrong guess here would cost the user money.
 */
final class PluginList {
  static final String FREE_FILE_PARSER =
      "{\"id\":\"file-parser\",\"pdf\":{\"engine\":\"cloudflare-ai\"}}";

  static final String RULE =
      "Free are response-healing, context-compression, moderation and "
          + FREE_FILE_PARSER
          + ", with no other options.";

  private static final String FILE_PARSER = "file-parser";

  private static final Set<String> FREE =
      Set.of("response-healing", "context-compression", "moderation", FILE_PARSER);

  /** The only one that context-compression has. */
  private static final Set<String> FREE_ENGINES = Set.of("middle-out");

  /** What the model reads itself costs its tokens; pdf-text is the old name of cloudflare-ai. */
  private static final Set<String> FREE_PDF_ENGINES = Set.of("cloudflare-ai", "pdf-text", "native");

  private final JsonCursor json;
  private @Nullable String paid;
  private boolean parsesFilesForFree;

  PluginList(JsonCursor json) {
    this.json = json;
  }

  /** The first thing there that could cost money, as an error names it; null when all is free. */
  @Nullable String paid() {
    return paid;
  }

  /** Whether it says that files are read by an engine that is free. */
  boolean parsesFilesForFree() {
    return parsesFilesForFree && paid == null;
  }

  /** Passes the value that the cursor stands before. */
  void pass() {
    if (json.kind() != Kind.ARRAY) {
      found("`plugins`, which is no array,");
      json.skip();
      return;
    }
    int index = 0;
    for (boolean more = json.enterArray(); more; more = json.nextElement()) {
      if (paid == null) {
        passPlugin("plugins[" + index++ + "]");
      } else {
        json.skip();
      }
    }
  }

  private void found(String what) {
    if (paid == null) {
      paid = what;
    }
  }

  private void passPlugin(String place) {
    if (json.kind() != Kind.OBJECT) {
      found("`" + place + "`, which is no object,");
      json.skip();
      return;
    }
    String id = "";
    boolean hasPdf = false;
    boolean isEnabled = true;
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      if (json.nameIs("id")) {
        if (!id.isEmpty()) {
          found("`" + place + "`, which has two ids,");
        }
        id = passOneOf(FREE, place + ".id");
      } else if (json.nameIs("enabled")) {
        isEnabled &= json.kind() == Kind.TRUE;
        json.skip();
      } else if (json.nameIs("engine")) {
        passOneOf(FREE_ENGINES, place + ".engine");
      } else if (json.nameIs("pdf")) {
        hasPdf = true;
        passPdf(place + ".pdf");
      } else {
        passOption(place);
      }
    }
    if (id.isEmpty()) {
      found("`" + place + "`, which has no `id`,");
    } else if (id.equals(FILE_PARSER)) {
      if (!hasPdf) {
        found("`" + place + "`, which names no free `pdf.engine`,");
      }
      parsesFilesForFree |= isEnabled;
    }
  }

  /** Without an engine it would be the default one, which is paid. */
  private void passPdf(String place) {
    if (json.kind() != Kind.OBJECT) {
      found("`" + place + "`, which is no object,");
      json.skip();
      return;
    }
    boolean hasEngine = false;
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      if (json.nameIs("engine")) {
        hasEngine = true;
        passOneOf(FREE_PDF_ENGINES, place + ".engine");
      } else {
        passOption(place);
      }
    }
    if (!hasEngine) {
      found("`" + place + "`, which names no `engine`,");
    }
  }

  /** Says which one it is, empty when it is none of them. */
  private String passOneOf(Set<String> free, String place) {
    String text = PaidFeatures.passText(json);
    if (free.contains(text)) {
      return text;
    }
    found("`" + place + "` " + PaidFeatures.quoted(text));
    return "";
  }

  private void passOption(String place) {
    String name = json.nameLength() > PaidFeatures.LONGEST_TEXT ? "…" : json.name();
    found("`" + place + "` with the option " + PaidFeatures.quoted(name));
    json.skip();
  }
}

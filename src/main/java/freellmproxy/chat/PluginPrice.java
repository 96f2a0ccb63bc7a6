package freellmproxy.chat;

import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;
import java.util.Set;

/**
 * Which of OpenRouter's plugins are free of charge even for a free model. What is not known to be
 * free counts as paid: a wrong guess here would cost the user money.
 */
final class PluginPrice {
  private static final Set<String> FREE =
      Set.of("response-healing", "context-compression", "moderation");

  private PluginPrice() {}

  /** Reads one entry of {@code plugins}; leaves the cursor behind it. */
  static boolean isFree(JsonCursor json) {
    String id = "";
    if (json.kind() == Kind.OBJECT) {
      for (boolean more = json.enterObject(); more; more = json.nextField()) {
        if (json.nameIs("id") && json.kind() == Kind.STRING) {
          id = json.string();
        } else {
          json.skip();
        }
      }
    } else {
      json.skip();
    }
    return FREE.contains(id);
  }
}

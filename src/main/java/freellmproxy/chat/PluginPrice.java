package freellmproxy.chat;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.Set;

/**
 * Which of OpenRouter's plugins are free of charge even for a free model. What is not known to be
 * free counts as paid: a wrong guess here would cost the user money.
 */
final class PluginPrice {
  private static final Set<String> FREE =
      Set.of("response-healing", "context-compression", "moderation");

  private PluginPrice() {}

  /** Reads one entry of {@code plugins}; leaves the parser at its last token. */
  static boolean isFree(JsonParser parser) throws IOException {
    String id = "";
    if (parser.currentToken() == JsonToken.START_OBJECT) {
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean isId = parser.currentName().equals("id");
        if (parser.nextToken() == JsonToken.VALUE_STRING && isId) {
          id = parser.getText();
        }
        parser.skipChildren();
      }
    } else {
      parser.skipChildren();
    }
    return FREE.contains(id);
  }
}

package freellmproxy.chat;

import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;

/**
 * Whether {@code reasoning} or {@code reasoning_effort} asks a model to think: switched off, or
 * with nothing in it, it asks for nothing that a model could lack (contract section 4). Each method
 * passes the value that the cursor stands before.
 */
final class ReasoningField {
  private static final int LONGEST_TEXT = 100;

  private ReasoningField() {}

  /** {@code reasoning}, which is an object. */
  static boolean passes(JsonCursor json) {
    if (json.kind() != Kind.OBJECT) {
      return passesEffort(json);
    }
    boolean isOn = false;
    boolean isOff = false;
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      Kind value = json.kind();
      if (value == Kind.NULL) {
        json.skip();
      } else if (json.nameIs("effort") || json.nameIs("enabled") || json.nameIs("max_tokens")) {
        boolean asks = passesEffort(json);
        isOn |= asks;
        isOff |= !asks;
      } else {
        isOn = true;
        json.skip();
      }
    }
    return isOn && !isOff;
  }

  /** {@code reasoning_effort}, or one of the switches of {@code reasoning}. */
  static boolean passesEffort(JsonCursor json) {
    Kind value = json.kind();
    if (value == Kind.STRING) {
      String effort = json.string(LONGEST_TEXT);
      return !effort.isEmpty() && !effort.equals("none");
    }
    boolean beginsWithZero = json.isBefore("0");
    int start = json.position();
    json.skip();
    return switch (value) {
      case NULL, FALSE, NONE -> false;
      case NUMBER -> !beginsWithZero || json.position() > start + 1;
      case STRING, TRUE, OBJECT, ARRAY -> true;
    };
  }
}

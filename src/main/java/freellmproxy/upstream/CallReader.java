package freellmproxy.upstream;

import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;

/** Reads one element of {@code tool_calls}. */
final class CallReader {
  /** Far above any index that is meant. */
  private static final int LONGEST_INDEX = 6;

  private final JsonCursor json;
  private final byte[] data;
  private int index = ToolCallPiece.NO_INDEX;
  private int indexStart = ToolCallPiece.ABSENT;
  private int indexEnd = ToolCallPiece.ABSENT;
  private String id = "";
  private String name = "";
  private boolean says;
  private int argumentsStart = ToolCallPiece.ABSENT;
  private int argumentsEnd = ToolCallPiece.ABSENT;

  CallReader(JsonCursor json, byte[] data) {
    this.json = json;
    this.data = data;
  }

  /** Reads the object that the cursor stands before. */
  ToolCallPiece read() {
    int start = json.position();
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      if (json.nameIs("index")) {
        readIndex();
      } else if (json.nameIs("id") && json.kind() == Kind.STRING) {
        id = json.string();
      } else if (isCallee() && json.kind() == Kind.OBJECT) {
        readCallee();
      } else {
        json.skip();
      }
    }
    return new ToolCallPiece(
        start, index, indexStart, indexEnd, id, name, says, argumentsStart, argumentsEnd);
  }

  private boolean isCallee() {
    return json.nameIs("function") || json.nameIs("custom");
  }

  private void readIndex() {
    boolean isNumber = json.kind() == Kind.NUMBER;
    indexStart = json.position();
    json.skip();
    indexEnd = json.position();
    index =
        isNumber && json.fault() == null && indexEnd - indexStart <= LONGEST_INDEX
            ? number()
            : ToolCallPiece.NO_INDEX;
  }

  private int number() {
    int number = 0;
    for (int i = indexStart; i < indexEnd; i++) {
      if (data[i] < '0' || data[i] > '9') {
        return ToolCallPiece.NO_INDEX;
      }
      number = 10 * number + data[i] - '0';
    }
    return number;
  }

  private void readCallee() {
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      if (json.nameIs("name") && json.kind() == Kind.STRING) {
        name = json.string();
        says |= !name.isBlank();
      } else if (json.nameIs("arguments") && json.kind() == Kind.STRING) {
        argumentsStart = json.position();
        says |= Substance.isInString(json, data);
        argumentsEnd = json.position();
      } else {
        says |= Substance.isIn(json, data);
      }
    }
  }
}

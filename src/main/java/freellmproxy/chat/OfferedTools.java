package freellmproxy.chat;

import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;
import java.util.HashSet;
import java.util.Set;

/** The names of the tools that a request offers. Read only when a model calls one. */
public final class OfferedTools {
  /** To look through more would hold the event loop. */
  static final int LARGEST = 1 << 20;

  /** Of a request that offers none, or more than can be looked through. */
  static final OfferedTools UNKNOWN = new OfferedTools();

  private final Set<String> names = new HashSet<>();

  /** Whether there is one that has no name, which may be called anything. */
  private boolean hasUnnamed;

  private OfferedTools() {}

  /** Reads the array of {@code tools}, which is known to be JSON. */
  static OfferedTools read(byte[] array) {
    var offered = new OfferedTools();
    var json = new JsonCursor(array);
    if (json.kind() == Kind.ARRAY) {
      for (boolean more = json.enterArray(); more; more = json.nextElement()) {
        offered.readTool(json);
      }
    }
    return offered;
  }

  private void readTool(JsonCursor json) {
    if (json.kind() == Kind.OBJECT) {
      hasUnnamed |= !readNames(json);
    } else {
      json.skip();
      hasUnnamed = true;
    }
  }

  /** Of a tool, and of the object in it that describes it. */
  private boolean readNames(JsonCursor json) {
    boolean found = false;
    for (boolean more = json.enterObject(); more; more = json.nextField()) {
      if (json.nameIs("name") && json.kind() == Kind.STRING) {
        names.add(json.string());
        found = true;
      } else if (isDescription(json) && json.kind() == Kind.OBJECT) {
        found |= readNames(json);
      } else {
        json.skip();
      }
    }
    return found;
  }

  private static boolean isDescription(JsonCursor json) {
    return json.nameIs("function") || json.nameIs("custom");
  }

  /** Whether a model that calls this may have found it in the request. */
  public boolean mayHave(String name) {
    return names.contains(name) || hasUnnamed || names.isEmpty();
  }
}

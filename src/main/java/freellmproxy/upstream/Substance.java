package freellmproxy.upstream;

import freellmproxy.json.JsonCursor;
import freellmproxy.json.JsonCursor.Kind;
import freellmproxy.json.JsonText;
import java.util.List;

/**
 * Whether the values of an answer have something in them. Each method leaves the cursor behind the
 * value that it stands before.
 */
final class Substance {
  /** What is there although nothing has been said yet. */
  private static final List<String> WRAPPING =
      List.of("type", "id", "index", "format", "role", "status", "signature");

  /** Where an error has its code; OpenRouter has three places (docs/upstream.md section 1). */
  private static final List<String> FAULT_FIELDS =
      List.of("message", "code", "http_status", "error_type");

  private Substance() {}

  /** Whether there is more than white space in any text of a value. */
  static boolean isIn(JsonCursor json, byte[] data) {
    return switch (json.kind()) {
      case STRING -> isInString(json, data);
      case ARRAY -> {
        boolean some = false;
        for (boolean more = json.enterArray(); more; more = json.nextElement()) {
          some |= isIn(json, data);
        }
        yield some;
      }
      case OBJECT -> {
        boolean some = false;
        for (boolean more = json.enterObject(); more; more = json.nextField()) {
          if (nameIsIn(json, WRAPPING)) {
            json.skip();
          } else {
            some |= isIn(json, data);
          }
        }
        yield some;
      }
      case NUMBER, TRUE, FALSE, NULL, NONE -> {
        json.skip();
        yield false;
      }
    };
  }

  static boolean isInString(JsonCursor json, byte[] data) {
    int start = json.position();
    json.skip();
    return json.fault() == null && !isBlank(data, start, json.position());
  }

  /** Most texts are told by the first character that is no space; only a few have to be decoded. */
  private static boolean isBlank(byte[] data, int start, int end) {
    int i = start + 1;
    while (i < end - 1 && (data[i] == ' ' || isEscapedSpace(data, i))) {
      i += data[i] == ' ' ? 1 : 2;
    }
    return i == end - 1
        || (mayBeInvisible(data[i] & 0xFF)
            && JsonText.decode(data, start, end).codePoints().allMatch(Substance::isInvisible));
  }

  private static boolean isEscapedSpace(byte[] data, int i) {
    return data[i] == '\\' && (data[i + 1] == 'n' || data[i + 1] == 'r' || data[i + 1] == 't');
  }

  /** Whether an escape or an invisible character can begin like this; no alphabet does. */
  private static boolean mayBeInvisible(int first) {
    return switch (first) {
      case '\\', 0x7F, 0xC2, 0xCD, 0xD8, 0xDB, 0xDC, 0xE1, 0xE2, 0xE3, 0xEF, 0xF3 -> true;
      default -> false;
    };
  }

  private static boolean isInvisible(int character) {
    return Character.isWhitespace(character)
        || Character.isSpaceChar(character)
        || Character.isISOControl(character)
        || Character.getType(character) == Character.FORMAT;
  }

  /** Whether the value of {@code error} says that there is one: it has a message or a code. */
  static boolean isFault(JsonCursor json, byte[] data) {
    return switch (json.kind()) {
      case STRING -> isInString(json, data);
      case NUMBER -> isCode(json);
      case TRUE -> {
        json.skip();
        yield true;
      }
      case OBJECT -> {
        boolean some = false;
        for (boolean more = json.enterObject(); more; more = json.nextField()) {
          if (nameIsIn(json, FAULT_FIELDS)) {
            some |= json.kind() == Kind.NUMBER ? isCode(json) : isIn(json, data);
          } else {
            json.skip();
          }
        }
        yield some;
      }
      case ARRAY -> {
        boolean some = false;
        for (boolean more = json.enterArray(); more; more = json.nextElement()) {
          some |= isFault(json, data);
        }
        yield some;
      }
      case FALSE, NULL, NONE -> {
        json.skip();
        yield false;
      }
    };
  }

  /** Zero is what a field has that was never set. */
  private static boolean isCode(JsonCursor json) {
    boolean isZero = json.isBefore("0");
    json.skip();
    return !isZero;
  }

  static boolean nameIsIn(JsonCursor json, List<String> names) {
    for (int i = 0; i < names.size(); i++) {
      if (isNamed(json, names.get(i))) {
        return true;
      }
    }
    return false;
  }

  /** Whether the field has this name; most are told by its first character. */
  static boolean isNamed(JsonCursor json, String name) {
    byte initial = json.nameInitial();
    return (initial == name.charAt(0) || initial == '\\') && json.nameIs(name);
  }
}

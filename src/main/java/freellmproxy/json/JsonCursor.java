package freellmproxy.json;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Walks through one JSON text (RFC 8259) in an array and checks all it passes. Values that nobody
 * asks for are skipped, so that a request costs little more than reading its memory once; {@code
 * bench/} holds the measurement against Jackson's parser.
 *
 * <p>Faults do not throw: after the first one every method says that nothing follows, and {@link
 * #fault} says what it was. For one thread.
 */
public final class JsonCursor {
  /** Far beyond any conversation; keeps a hostile text from exhausting the stack. */
  public static final int MAX_DEPTH = 1000;

  private final JsonStrings strings = new JsonStrings();
  private byte[] bytes;
  private int end;
  private int at;
  private int depth;

  /** By depth, what closes each value that is being skipped. */
  private byte[] closers = new byte[16];

  private int nameStart;
  private int nameEnd;
  private @Nullable Fault fault;

  /** What a value is, told by its first byte. */
  public enum Kind {
    OBJECT,
    ARRAY,
    STRING,
    NUMBER,
    TRUE,
    FALSE,
    NULL,
    /** There is no value here. */
    NONE
  }

  /** What is wrong with the text; where is {@link #position}. */
  public enum Fault {
    CUT_OFF,
    MALFORMED,
    TOO_DEEP
  }

  /** Is told the name of each field that is skipped; the cursor may only be asked for it. */
  public interface NameSink {
    void accept(JsonCursor cursor);
  }

  /** Stands before the first value of this text. */
  public JsonCursor(byte[] bytes) {
    this(bytes, bytes.length);
  }

  /** Stands before the first value of the text that fills an array up to {@code length}. */
  public JsonCursor(byte[] bytes, int length) {
    this.bytes = bytes;
    begin(bytes, length);
  }

  /** Begins anew with another text. */
  public void begin(byte[] bytes, int length) {
    this.bytes = bytes;
    this.end = length;
    strings.begin(bytes, length);
    at = 0;
    depth = 0;
    nameStart = 0;
    nameEnd = 0;
    fault = null;
    skipSpace();
  }

  /** The first fault, null as long as all is well. */
  public @Nullable Fault fault() {
    return fault;
  }

  /** Offset in bytes of what comes next, or of the fault. */
  public int position() {
    return at;
  }

  /** Whether nothing but white space is left. */
  public boolean isAtEnd() {
    skipSpace();
    return fault == null && at == end;
  }

  /** What the value is that the cursor stands before. */
  public Kind kind() {
    if (fault != null || at >= end) {
      return none(Fault.CUT_OFF);
    }
    return switch (bytes[at]) {
      case '{' -> Kind.OBJECT;
      case '[' -> Kind.ARRAY;
      case '"' -> Kind.STRING;
      case 't' -> Kind.TRUE;
      case 'f' -> Kind.FALSE;
      case 'n' -> Kind.NULL;
      case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> Kind.NUMBER;
      default -> none(Fault.MALFORMED);
    };
  }

  private Kind none(Fault reason) {
    fail(reason, at);
    return Kind.NONE;
  }

  /**
   * Enters the object that the cursor stands before.
   *
   * @return whether it has a field; the cursor stands before its value then
   */
  public boolean enterObject() {
    return enter() && (!closes('}') && readName());
  }

  /** Goes on to the next field, before its value; false when there is none. */
  public boolean nextField() {
    return goesOn('}') && readName();
  }

  /**
   * Enters the array that the cursor stands before.
   *
   * @return whether it has an element; the cursor stands before it then
   */
  public boolean enterArray() {
    return enter() && !closes(']') && fault == null;
  }

  /** Goes on to the next element; false when there is none. */
  public boolean nextElement() {
    return goesOn(']');
  }

  private boolean enter() {
    at++;
    if (++depth > MAX_DEPTH) {
      fail(Fault.TOO_DEEP, at);
      return false;
    }
    skipSpace();
    return true;
  }

  private boolean closes(char bracket) {
    if (at >= end) {
      fail(Fault.CUT_OFF, at);
      return false;
    }
    if (bytes[at] != bracket) {
      return false;
    }
    at++;
    depth--;
    return true;
  }

  private boolean goesOn(char bracket) {
    skipSpace();
    if (fault != null || closes(bracket) || fault != null) {
      return false;
    }
    return passes(',');
  }

  private boolean readName() {
    if (fault == null) {
      moveTo(passName(at, null));
    }
    return fault == null;
  }

  private boolean passes(char expected) {
    if (at >= end || bytes[at] != expected) {
      fail(at < end ? Fault.MALFORMED : Fault.CUT_OFF, at);
      return false;
    }
    at++;
    skipSpace();
    return true;
  }

  /** The name of the field that the cursor is in. */
  public String name() {
    return JsonText.decode(bytes, nameStart, nameEnd);
  }

  /** Whether that is its name. Makes no text of it, as {@link #name} does; for names in ASCII. */
  public boolean nameIs(String expected) {
    return JsonText.is(bytes, nameStart, nameEnd, expected);
  }

  /** How many bytes that name has, as it is written; an escaped character has up to six of them. */
  public int nameLength() {
    return nameEnd - nameStart - 2;
  }

  /** The first byte of that name, as it is written; 0 when it is empty. */
  public byte nameInitial() {
    return nameEnd - nameStart > 2 ? bytes[nameStart + 1] : 0;
  }

  /** Whether what comes next is written like this, byte by byte; for values in ASCII. */
  public boolean isBefore(String written) {
    return JsonText.matches(bytes, at, Math.min(at + written.length(), end), written);
  }

  /** Reads the string that the cursor stands before; empty when it is broken. */
  public String string() {
    return string(Integer.MAX_VALUE);
  }

  /**
   * The same, without what is beyond so many bytes: for a text that only has to be compared or
   * shown, since one of many megabytes would fill memory.
   */
  public String string(int longest) {
    int start = at;
    skipString();
    return fault == null
        ? JsonText.decode(bytes, start, JsonText.cut(bytes, start, at, longest))
        : "";
  }

  /** Passes one value. */
  public void skip() {
    skipValue(null);
  }

  /** Passes one value, and tells the name of every field in it, however deep. */
  public void skip(NameSink names) {
    skipValue(names);
  }

  private void skipValue(@Nullable NameSink names) {
    if (fault == null) {
      moveTo(pass(at, names));
    }
  }

  private void skipString() {
    moveTo(strings.pass(at + 1));
  }

  private void skipSpace() {
    at = passSpace(at);
  }

  /** Where something ends, or the complement of where it is broken. */
  private void moveTo(int after) {
    if (after >= 0) {
      at = after;
    } else {
      fail(~after < end ? Fault.MALFORMED : Fault.CUT_OFF, ~after);
    }
  }

  /**
   * Passes one value, in a loop over all that is nested in it, since that is most of a request.
   * Says what {@link #moveTo} is told.
   */
  private int pass(int from, @Nullable NameSink names) {
    int level = depth;
    int i = from;
    while (i >= 0) {
      if (i < end && (bytes[i] == '{' || bytes[i] == '[')) {
        byte closer = closer(bytes[i]);
        if (++level > MAX_DEPTH) {
          fail(Fault.TOO_DEEP, i + 1);
          return ~i;
        }
        open(level, closer);
        i = passSpace(i + 1);
        if (i >= end || bytes[i] != closer) {
          i = closer == '}' ? passName(i, names) : i;
          continue;
        }
      } else {
        i = i < end && bytes[i] == '"' ? strings.pass(i + 1) : passScalar(i);
        if (i < 0 || level == depth) {
          return i;
        }
        i = passSpace(i);
      }
      while (i < end && bytes[i] == closers[level]) {
        i++;
        if (--level == depth) {
          return i;
        }
        i = passSpace(i);
      }
      if (i >= end || bytes[i] != ',') {
        return ~i;
      }
      i = passSpace(i + 1);
      i = closers[level] == '}' ? passName(i, names) : i;
    }
    return i;
  }

  private static byte closer(byte opener) {
    return (byte) (opener == '{' ? '}' : ']');
  }

  private void open(int level, byte closer) {
    if (level >= closers.length) {
      closers = Arrays.copyOf(closers, 2 * level);
    }
    closers[level] = closer;
  }

  /** Passes the name of a field, up to the value. */
  private int passName(int from, @Nullable NameSink names) {
    if (from >= end || bytes[from] != '"') {
      return ~from;
    }
    int i = strings.pass(from + 1);
    if (i < 0) {
      return i;
    }
    nameStart = from;
    nameEnd = i;
    i = passSpace(i);
    if (i >= end || bytes[i] != ':') {
      return ~i;
    }
    if (names != null) {
      names.accept(this);
    }
    return passSpace(i + 1);
  }

  /** Passes a value that has no others in it and is no string. */
  private int passScalar(int from) {
    if (from >= end) {
      return ~from;
    }
    return switch (bytes[from]) {
      case 't' -> JsonScalars.passLiteral("true", bytes, from, end);
      case 'f' -> JsonScalars.passLiteral("false", bytes, from, end);
      case 'n' -> JsonScalars.passLiteral("null", bytes, from, end);
      case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' ->
          JsonScalars.passNumber(bytes, from, end);
      default -> ~from;
    };
  }

  private int passSpace(int from) {
    int i = from;
    while (i < end) {
      byte b = bytes[i];
      if (b > ' ' || (b != ' ' && b != '\n' && b != '\r' && b != '\t')) {
        break;
      }
      i++;
    }
    return i;
  }

  private void fail(Fault reason, int position) {
    if (fault == null) {
      fault = reason;
      at = Math.min(position, end);
    }
  }
}

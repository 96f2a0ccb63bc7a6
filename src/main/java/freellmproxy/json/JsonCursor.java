package freellmproxy.json;

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

  private final byte[] bytes;
  private final int end;
  private final JsonStrings strings;
  private int at;
  private int depth;
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
    this.end = length;
    this.strings = new JsonStrings(bytes, length);
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
    if (!isNext('"')) {
      return false;
    }
    nameStart = at;
    skipString();
    nameEnd = at;
    skipSpace();
    return passes(':');
  }

  /** Whether this byte is next; anything else is a fault. */
  private boolean isNext(char expected) {
    if (fault == null && at < end && bytes[at] == expected) {
      return true;
    }
    fail(at < end ? Fault.MALFORMED : Fault.CUT_OFF, at);
    return false;
  }

  private boolean passes(char expected) {
    if (!isNext(expected)) {
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
    int length = nameEnd - nameStart - 2;
    if (length != expected.length()) {
      // An escape is longer than what it stands for.
      return length > expected.length() && nameIsEscaped() && name().equals(expected);
    }
    for (int i = 0; i < length; i++) {
      if (bytes[nameStart + 1 + i] != expected.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private boolean nameIsEscaped() {
    for (int i = nameStart + 1; i < nameEnd; i++) {
      if (bytes[i] == '\\') {
        return true;
      }
    }
    return false;
  }

  /** The first byte of that name, as it is written; 0 when it is empty. */
  public byte nameInitial() {
    return nameEnd - nameStart > 2 ? bytes[nameStart + 1] : 0;
  }

  /** Reads the string that the cursor stands before; empty when it is broken. */
  public String string() {
    int start = at;
    skipString();
    return fault == null ? JsonText.decode(bytes, start, at) : "";
  }

  /** Passes one value. */
  public void skip() {
    skip(name -> {});
  }

  /** Passes one value, and tells the name of every field in it, however deep. */
  public void skip(NameSink names) {
    switch (kind()) {
      case OBJECT -> {
        for (boolean more = enterObject(); more; more = nextField()) {
          names.accept(this);
          skip(names);
        }
      }
      case ARRAY -> {
        for (boolean more = enterArray(); more; more = nextElement()) {
          skip(names);
        }
      }
      case STRING -> skipString();
      case NUMBER -> skipNumber();
      case TRUE -> skipLiteral("true");
      case FALSE -> skipLiteral("false");
      case NULL -> skipLiteral("null");
      case NONE -> {}
    }
  }

  private void skipSpace() {
    while (at < end) {
      byte b = bytes[at];
      if (b > ' ' || (b != ' ' && b != '\n' && b != '\r' && b != '\t')) {
        return;
      }
      at++;
    }
  }

  private void skipString() {
    int after = strings.pass(at + 1);
    if (after >= 0) {
      at = after;
    } else {
      fail(~after < end ? Fault.MALFORMED : Fault.CUT_OFF, ~after);
    }
  }

  private void skipNumber() {
    int i = at;
    if (bytes[i] == '-') {
      i++;
    }
    boolean leadingZero = i < end && bytes[i] == '0';
    int digits = skipDigits(i);
    i = leadingZero && digits > i ? i + 1 : digits;
    if (fault == null && i < end && bytes[i] == '.') {
      i = skipDigits(i + 1);
    }
    if (fault == null && i < end && (bytes[i] == 'e' || bytes[i] == 'E')) {
      i++;
      boolean signed = i < end && (bytes[i] == '+' || bytes[i] == '-');
      i = skipDigits(signed ? i + 1 : i);
    }
    if (fault == null) {
      at = i;
    }
  }

  private int skipDigits(int from) {
    int i = from;
    while (i < end && bytes[i] >= '0' && bytes[i] <= '9') {
      i++;
    }
    if (i == from) {
      fail(i < end ? Fault.MALFORMED : Fault.CUT_OFF, i);
    }
    return i;
  }

  private void skipLiteral(String literal) {
    for (int i = 0; i < literal.length(); i++) {
      if (at + i >= end) {
        fail(Fault.CUT_OFF, at + i);
        return;
      }
      if (bytes[at + i] != literal.charAt(i)) {
        fail(Fault.MALFORMED, at + i);
        return;
      }
    }
    at += literal.length();
  }

  private void fail(Fault reason, int position) {
    if (fault == null) {
      fault = reason;
      at = Math.min(position, end);
    }
  }
}

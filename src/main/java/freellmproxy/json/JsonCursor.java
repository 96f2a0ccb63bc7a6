package freellmproxy.json;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Walks through one JSON text (RFC 8259) in an array and checks all it passes. Values that nobody
 * asks for are skipped, strings eight bytes at a time, so that a request costs little more than
 * reading its memory once; {@code bench/} holds the measurement against Jackson's parser.
 *
 * <p>Faults do not throw: after the first one every method says that nothing follows, and {@link
 * #fault} says what it was. For one thread.
 */
public final class JsonCursor {
  /** Far beyond any conversation; keeps a hostile text from exhausting the stack. */
  public static final int MAX_DEPTH = 1000;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** Prose has longer runs without an escape, code shorter ones. */
  private static final int LONG_RUN = 4 * Long.BYTES;

  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long QUOTES = '"' * ONES;
  private static final long BACKSLASHES = '\\' * ONES;
  private static final long SPACES = ' ' * ONES;

  /** Four characters of two bytes each, which is most text in Cyrillic, Greek or Hebrew. */
  private static final long TWO_BYTE_MASK = 0xC0E0C0E0C0E0C0E0L;

  private static final long TWO_BYTE_CHARACTERS = 0x80C080C080C080C0L;

  private final byte[] bytes;
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
    this.bytes = bytes;
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
    return fault == null && at == bytes.length;
  }

  /** What the value is that the cursor stands before. */
  public Kind kind() {
    if (fault != null || at >= bytes.length) {
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
    if (at >= bytes.length) {
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
    if (fault == null && at < bytes.length && bytes[at] == expected) {
      return true;
    }
    fail(at < bytes.length ? Fault.MALFORMED : Fault.CUT_OFF, at);
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
    while (at < bytes.length) {
      byte b = bytes[at];
      if (b > ' ' || (b != ' ' && b != '\n' && b != '\r' && b != '\t')) {
        return;
      }
      at++;
    }
  }

  private void skipString() {
    int i = at + 1;
    while (fault == null) {
      i = skipPlain(i);
      if (i >= bytes.length) {
        fail(Fault.CUT_OFF, i);
        return;
      }
      byte b = bytes[i];
      if (b == '"') {
        at = i + 1;
        return;
      }
      if (b == '\\') {
        i = skipEscape(i);
      } else if (b < 0) {
        i = skipMultiByte(i);
      } else {
        fail(Fault.MALFORMED, i);
      }
    }
  }

  /** To the first byte that is a quote, a backslash, a control character or not ASCII. */
  private int skipPlain(int from) {
    int i = from;
    for (; i + Long.BYTES <= bytes.length; i += Long.BYTES) {
      long special = special(i);
      if (special != 0) {
        return i + Long.numberOfTrailingZeros(special) / Byte.SIZE;
      }
      if (i - from >= LONG_RUN) {
        i = skipLongRun(i);
      }
    }
    while (i < bytes.length && bytes[i] >= ' ' && bytes[i] != '"' && bytes[i] != '\\') {
      i++;
    }
    return i;
  }

  /** Four words that do not depend on each other keep a processor busier than one at a time. */
  private int skipLongRun(int from) {
    int i = from;
    while (i + 5 * Long.BYTES <= bytes.length
        && (special(i + Long.BYTES)
                | special(i + 2 * Long.BYTES)
                | special(i + 3 * Long.BYTES)
                | special(i + 4 * Long.BYTES))
            == 0) {
      i += 4 * Long.BYTES;
    }
    return i;
  }

  /** The high bit of each of eight bytes that ends a plain run; see {@link #zeroBytes}. */
  private long special(int i) {
    long eight = (long) LONGS.get(bytes, i);
    return (zeroBytes(eight ^ QUOTES)
            | zeroBytes(eight ^ BACKSLASHES)
            | ((eight - SPACES) & ~eight)
            | eight)
        & HIGH_BITS;
  }

  /** The high bit of each byte that is zero; bits above the lowest of these may be wrong. */
  private static long zeroBytes(long eight) {
    return (eight - ONES) & ~eight;
  }

  private int skipEscape(int backslash) {
    int i = backslash + 1;
    if (i >= bytes.length) {
      return i;
    }
    return switch (bytes[i]) {
      case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> i + 1;
      case 'u' -> skipHexDigits(i + 1);
      default -> {
        fail(Fault.MALFORMED, i);
        yield i;
      }
    };
  }

  private int skipHexDigits(int from) {
    for (int i = from; i < from + 4 && i < bytes.length; i++) {
      if (Character.digit(bytes[i], 16) < 0) {
        fail(Fault.MALFORMED, i);
      }
    }
    return from + 4;
  }

  private int skipMultiByte(int from) {
    int i = from;
    while (i + Long.BYTES <= bytes.length
        && ((long) LONGS.get(bytes, i) & TWO_BYTE_MASK) == TWO_BYTE_CHARACTERS) {
      i += Long.BYTES;
    }
    while (fault == null && i < bytes.length && bytes[i] < 0) {
      int length = lengthOfCharacter(bytes[i] & 0xFF);
      if (length == 0) {
        fail(Fault.MALFORMED, i);
      }
      for (int more = 1; more < length && i + more < bytes.length; more++) {
        if ((bytes[i + more] & 0xC0) != 0x80) {
          fail(Fault.MALFORMED, i + more);
        }
      }
      i += length;
    }
    return i;
  }

  private static int lengthOfCharacter(int first) {
    if (first < 0xC0 || first >= 0xF8) {
      return 0;
    }
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  }

  private void skipNumber() {
    int i = at;
    if (bytes[i] == '-') {
      i++;
    }
    boolean leadingZero = i < bytes.length && bytes[i] == '0';
    int digits = skipDigits(i);
    i = leadingZero && digits > i ? i + 1 : digits;
    if (fault == null && i < bytes.length && bytes[i] == '.') {
      i = skipDigits(i + 1);
    }
    if (fault == null && i < bytes.length && (bytes[i] == 'e' || bytes[i] == 'E')) {
      i++;
      boolean signed = i < bytes.length && (bytes[i] == '+' || bytes[i] == '-');
      i = skipDigits(signed ? i + 1 : i);
    }
    if (fault == null) {
      at = i;
    }
  }

  private int skipDigits(int from) {
    int i = from;
    while (i < bytes.length && bytes[i] >= '0' && bytes[i] <= '9') {
      i++;
    }
    if (i == from) {
      fail(i < bytes.length ? Fault.MALFORMED : Fault.CUT_OFF, i);
    }
    return i;
  }

  private void skipLiteral(String literal) {
    for (int i = 0; i < literal.length(); i++) {
      if (at + i >= bytes.length) {
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
      at = Math.min(position, bytes.length);
    }
  }
}

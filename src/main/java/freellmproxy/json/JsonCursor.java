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

  /** One bit for each character that may follow a backslash and ends the escape. */
  private static final long SHORT_ESCAPES_BELOW_64 = 1L << '"' | 1L << '/';

  private static final long SHORT_ESCAPES_FROM_64 =
      1L << '\\' | 1L << 'b' | 1L << 'f' | 1L << 'n' | 1L << 'r' | 1L << 't';

  /** Many vectors, and less than it costs to look at it twice. */
  private static final int BLOCK = 1 << 10;

  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long BACKSLASHES = '\\' * ONES;

  /**
   * Swaps the quote, 0x22, with the space, 0x20, and leaves control characters among themselves.
   */
  private static final long QUOTE_TO_SPACE = 0x02 * ONES;

  private static final long ABOVE_SPACE = 0x21 * ONES;

  /** Four characters of two bytes each, which is most text in Cyrillic, Greek or Hebrew. */
  private static final long TWO_BYTE_MASK = 0xC0E0C0E0C0E0C0E0L;

  private static final long TWO_BYTE_CHARACTERS = 0x80C080C080C080C0L;

  private final byte[] bytes;
  private final int end;
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
    int i = at + 1;
    while (fault == null) {
      i = skipAscii(i);
      if (i >= end) {
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

  /** Past plain ASCII and escapes of two bytes, up to anything else. */
  private int skipAscii(int from) {
    int i = from;
    while (i + Long.BYTES < end) {
      long eight = eightAt(i);
      long special = special(eight);
      if (special == 0) {
        i = skipLongRun(i + Long.BYTES);
        continue;
      }
      // Bytes are taken from the register: the next word can be on its way meanwhile.
      int escapeAcrossWords = 0;
      while (special != 0) {
        int shift = Long.numberOfTrailingZeros(special) & -Byte.SIZE;
        byte b = (byte) (eight >>> shift);
        if (b == '\\') {
          boolean isLast = shift == Long.SIZE - Byte.SIZE;
          byte escaped = isLast ? bytes[i + Long.BYTES] : (byte) (eight >>> (shift + Byte.SIZE));
          if (!isShortEscape(escaped)) {
            return i + shift / Byte.SIZE;
          }
          escapeAcrossWords = isLast ? 1 : 0;
          special &= ~(0x8080L << shift);
        } else if (b < ' ' || b == '"') {
          return i + shift / Byte.SIZE;
        } else {
          special &= special - 1;
        }
      }
      i += Long.BYTES + escapeAcrossWords;
    }
    while (i < end && bytes[i] >= ' ' && bytes[i] != '"' && bytes[i] != '\\') {
      i++;
    }
    return i;
  }

  /** Past plain ASCII, two words at a time, and in blocks where there is much of it. */
  private int skipLongRun(int from) {
    int i = from;
    int blocksFrom = from + BLOCK / 2;
    for (int last = Math.min(end - 2 * Long.BYTES, blocksFrom); i <= last; i += 2 * Long.BYTES) {
      if ((special(eightAt(i)) | special(eightAt(i + Long.BYTES))) != 0) {
        return i;
      }
    }
    return i < blocksFrom ? i : skipBlocks(i);
  }

  /** The compiler makes vectors of the inner loop, since it does not end before its time. */
  private int skipBlocks(int from) {
    int i = from;
    for (int last = end - BLOCK; i <= last; i += BLOCK) {
      long special = 0;
      for (int word = i; word < i + BLOCK; word += Long.BYTES) {
        special |= special(eightAt(word));
      }
      if (special != 0) {
        break;
      }
    }
    return i;
  }

  private long eightAt(int i) {
    return (long) LONGS.get(bytes, i);
  }

  /**
   * The high bit of each of eight bytes that ends a plain run. A subtraction sets it in a byte that
   * is too small and borrows from the bytes above, so bits above the lowest one may be wrong.
   */
  private static long special(long eight) {
    long quotesAndControls = (eight ^ QUOTE_TO_SPACE) - ABOVE_SPACE;
    long backslashes = (eight ^ BACKSLASHES) - ONES;
    return (quotesAndControls | backslashes | eight) & HIGH_BITS;
  }

  private static boolean isShortEscape(byte b) {
    return b >= 0 && ((b < 64 ? SHORT_ESCAPES_BELOW_64 : SHORT_ESCAPES_FROM_64) & (1L << b)) != 0;
  }

  private int skipEscape(int backslash) {
    int i = backslash + 1;
    if (i >= end) {
      return i;
    }
    if (bytes[i] == 'u') {
      return skipHexDigits(i + 1);
    }
    if (!isShortEscape(bytes[i])) {
      fail(Fault.MALFORMED, i);
    }
    return i + 1;
  }

  private int skipHexDigits(int from) {
    for (int i = from; i < from + 4 && i < end; i++) {
      if (Character.digit(bytes[i], 16) < 0) {
        fail(Fault.MALFORMED, i);
      }
    }
    return from + 4;
  }

  private int skipMultiByte(int from) {
    int i = from;
    while (i + Long.BYTES <= end && (eightAt(i) & TWO_BYTE_MASK) == TWO_BYTE_CHARACTERS) {
      i += Long.BYTES;
    }
    while (fault == null && i < end && bytes[i] < 0) {
      int length = lengthOfCharacter(bytes[i] & 0xFF);
      if (length == 0) {
        fail(Fault.MALFORMED, i);
      }
      for (int more = 1; more < length && i + more < end; more++) {
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

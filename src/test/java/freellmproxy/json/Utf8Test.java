package freellmproxy.json;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 3629, against the decoder of the JDK, at every place in the words that are looked at. */
final class Utf8Test {
  /** So many bytes of strings are looked at in advance. */
  private static final int WINDOW = 4 << 10;

  private static final int WORD = Long.BYTES;

  /** The bytes where one rule of the RFC ends and the next one begins. */
  private static final int[] EDGES = {
    0x00, 0x22, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0, 0xA1, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
    0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFB, 0xFC, 0xFF
  };

  private final CharsetDecoder strict =
      UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private final CharBuffer chars = CharBuffer.allocate(256);

  @Test
  void judgesTwoBytesAsTheJdkDoes() {
    for (int pair = 0; pair < 1 << 16; pair++) {
      checkEverywhere(pair >> 8, pair);
    }
  }

  @Test
  void judgesThreeBytesAsTheJdkDoes() {
    for (int triple = 0; triple < 1 << 24; triple++) {
      check(triple % WORD, triple >> 16, triple >> 8, triple);
    }
    for (int a : EDGES) {
      for (int b : EDGES) {
        for (int c : EDGES) {
          checkEverywhere(a, b, c);
        }
      }
    }
  }

  @Test
  void judgesFourBytesAsTheJdkDoes() {
    var random = new Random(7);
    for (int i = 0; i < 4_000_000; i++) {
      int four = random.nextInt();
      // Beginnings of a character of four bytes, mostly.
      check(i % WORD, 0xEC + (four >>> 28), four >> 16, 0x80 | (four >> 8 & 0x7F), four);
    }
    for (int a : EDGES) {
      for (int b : EDGES) {
        for (int c : EDGES) {
          for (int d : EDGES) {
            check((a + b + c + d) % WORD, a, b, c, d);
          }
        }
      }
    }
    for (int second = 0x80; second <= 0xBF; second++) {
      for (int first = 0xF0; first <= 0xFF; first++) {
        checkEverywhere(first, second, 0x80, 0xBF);
      }
    }
  }

  @Test
  void judgesRandomTextsAsTheJdkDoes() {
    var random = new Random(8);
    for (int i = 0; i < 300_000; i++) {
      byte[] text = "aЖ€😀z\uFFFD߿ࠀ\uD7FF\uE000\uFFFF𐀀\uDBFF\uDFFFЖЖ€€😀😀".getBytes(UTF_8);
      for (int change = random.nextInt(3); change > 0; change--) {
        text[random.nextInt(text.length)] = (byte) EDGES[random.nextInt(EDGES.length)];
      }
      byte[] some = Arrays.copyOfRange(text, random.nextInt(8), text.length);
      assertThat(isWellFormed(some)).as("%s", Arrays.toString(some)).isEqualTo(isStrict(some));
    }
  }

  /** In strings of a text, where the border of a window may be in the middle of a character. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "C0 80", "C1 BF", "E0 80 80", "E0 9F BF", "ED A0 80", "ED BF BF", "F0 80 80 80",
            "F0 8F BF BF",
        "F4 90 80 80", "F5 80 80 80", "F8 88 80 80 80", "FF", "80", "C2", "E2 82", "F0 9F 98",
        "ED A0 BD ED B8 80"
      })
  void aStringWithOneOfTheseIsBrokenWhereverItIs(String hex) {
    byte[] bad = bytes(hex);
    for (String filler : new String[] {"x", "ж"}) {
      for (int place = WINDOW - 40; place < WINDOW + 40; place++) {
        byte[] text = ("{\"" + filler.repeat(WINDOW + 100) + "\":1}").getBytes(UTF_8);
        int at = filler.equals("x") ? place : place & ~1;
        System.arraycopy(bad, 0, text, at, bad.length);
        if (filler.equals("ж") && bad.length % 2 == 1) {
          text[at + bad.length] = 'x';
        }
        var json = new JsonCursor(text);
        json.skip();
        assertThat(json.fault()).as("%s at %d", hex, at).isEqualTo(JsonCursor.Fault.MALFORMED);
        assertThat(json.position()).isBetween(at, at + bad.length);
      }
    }
  }

  private static byte[] bytes(String hex) {
    String[] digits = hex.split(" ", -1);
    byte[] bytes = new byte[digits.length];
    for (int i = 0; i < digits.length; i++) {
      bytes[i] = (byte) Integer.parseInt(digits[i], 16);
    }
    return bytes;
  }

  /** At every place of a word, and around the end of the last one. */
  private void checkEverywhere(int... sequence) {
    for (int place = 0; place < 2 * WORD; place++) {
      check(place, sequence);
    }
  }

  private void check(int place, int... sequence) {
    byte[] text = new byte[3 * WORD + 3];
    Arrays.fill(text, (byte) 'x');
    for (int i = 0; i < sequence.length; i++) {
      text[3 + place + i] = (byte) sequence[i];
    }
    if (isWellFormed(text) != isStrict(text)) {
      // Words are made only where they are needed: this is asked many million times.
      throw new AssertionError(Arrays.toString(text) + ", JDK: " + isStrict(text));
    }
  }

  private static boolean isWellFormed(byte[] text) {
    return Utf8.firstIllFormed(text, 0, text.length) == Utf8.WELL_FORMED && !endsTooEarly(text);
  }

  /** What a string's closing quote, which has to be ASCII, would say. */
  private static boolean endsTooEarly(byte[] text) {
    byte[] closed = Arrays.copyOf(text, text.length + 1);
    closed[text.length] = '"';
    return Utf8.firstIllFormed(closed, 0, closed.length) != Utf8.WELL_FORMED;
  }

  private boolean isStrict(byte[] text) {
    chars.clear();
    return !strict.reset().decode(ByteBuffer.wrap(text), chars, true).isError();
  }
}

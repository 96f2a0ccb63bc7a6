package freellmproxy.json;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import freellmproxy.json.JsonCursor.Fault;
import freellmproxy.json.JsonCursor.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 8259 by cases, and against Jackson by chance. */
final class JsonCursorTest {
  /** So many bytes of strings are looked at in advance. */
  private static final int WINDOW = 4 << 10;

  private static final int SEEDS = 50_000;
  private static final JsonFactory JACKSON =
      JsonFactory.builder().configure(JsonFactory.Feature.CHARSET_DETECTION, false).build();
  private static final String[] TEXTS = {
    "{\"model\":\"a/b:free\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello, \\u0041 \\n"
        + " you\"}]}",
    "[1, -2.5e+10, 0, 0.1, 1E3, true, false, null, \"\", {}, [] , {\"a\":{\"b\":[[]]}}]",
    "{\"text\":\"Сколько букв р в слове трансфорррмер? € 😀 конец\",\"k\" : \"\\\\\\\"\"}",
    "  {\"a\" : 1 ,\t\"b\":\r\n[ 2 , 3 ] }  ",
    "\"twelve byte long strings and longer ones\"",
  };

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0",
        "-0",
        "12",
        "-1.5",
        "1e5",
        "1E-5",
        "0.0",
        "\"\"",
        "\"\\ud83d\"",
        "true",
        "null",
        "[]",
        "{}",
        " [ ] ",
        "{\"\":0}",
        "[[],[{}]]",
        "\"€😀я\""
      })
  void passesWhatIsJson(String text) {
    assertThat(fault(text.getBytes(UTF_8))).isEqualTo("none");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{         | CUT_OFF",
        "[         | CUT_OFF",
        "[1        | CUT_OFF",
        "[1,       | CUT_OFF",
        "{\"a\"      | CUT_OFF",
        "{\"a\":     | CUT_OFF",
        "{\"a\":1    | CUT_OFF",
        "{\"a\":1,   | CUT_OFF",
        "\"abc      | CUT_OFF",
        "\"abc\\     | CUT_OFF",
        "\"\\u00    | CUT_OFF",
        "tru       | CUT_OFF",
        "-         | CUT_OFF",
        "1.        | CUT_OFF",
        "1e+       | CUT_OFF",
        "[1,]      | MALFORMED",
        "{,}       | MALFORMED",
        "{\"a\":1,}  | MALFORMED",
        "{\"a\" 1}   | MALFORMED",
        "{a:1}     | MALFORMED",
        "[1 2]     | MALFORMED",
        "[1}       | MALFORMED",
        "truE      | MALFORMED",
        "\"\\x\"    | MALFORMED",
        "\"\\u12g4\" | MALFORMED",
        "+1        | MALFORMED",
        "[-a]      | MALFORMED",
        "[1.e]     | MALFORMED",
        "'a'       | MALFORMED",
        "01        | something follows",
        "{} {}     | something follows",
        "truex     | something follows",
      })
  void saysWhatIsWrong(String text, String fault) {
    assertThat(fault(text.getBytes(UTF_8))).isEqualTo(fault);
  }

  @ParameterizedTest
  @ValueSource(ints = {40, WINDOW + 100})
  void refusesControlCharactersAndBrokenUtf8AtEveryPlace(int length) {
    byte[] bad = {0, '\n', 0x1F, (byte) 0x80, (byte) 0xBF, (byte) 0xC3, (byte) 0xE2, (byte) 0xF0};
    byte[] text = ("\"" + "x".repeat(length) + "\"").getBytes(UTF_8);
    for (int place = 1; place <= length; place++) {
      for (byte b : bad) {
        text[place] = b;
        assertThat(fault(text)).as("%d at %d", b, place).isEqualTo("MALFORMED");
      }
      text[place] = 'x';
    }
    assertThat(fault(text)).isEqualTo("none");
  }

  @Test
  void findsTheEndOfALongString() {
    for (int length = 0; length < 2 * WINDOW + 100; length++) {
      var json = new JsonCursor(("\"" + "x".repeat(length) + "\" ,").getBytes(UTF_8));
      json.skip();
      assertThat(json.position()).isEqualTo(length + 2);
    }
  }

  @Test
  void knowsWhatMayFollowABackslashAtEveryPlace() {
    var places = IntStream.concat(IntStream.range(1, 130), IntStream.range(WINDOW - 9, WINDOW + 9));
    for (int place : places.toArray()) {
      for (int follower = 0; follower < 256; follower++) {
        byte[] text = ("\"" + "x".repeat(WINDOW + 40) + "\"").getBytes(UTF_8);
        text[place] = '\\';
        text[place + 1] = (byte) follower;
        boolean isEscape = follower < 128 && "\"\\/bfnrt".indexOf(follower) >= 0;
        assertThat(fault(text))
            .as("%d at %d", follower, place)
            .isEqualTo(isEscape ? "none" : "MALFORMED");
      }
    }
  }

  /** Neighbours in value of what is looked for, since eight bytes are compared at once. */
  @Test
  void agreesWithJacksonOnWhatLooksAlike() throws IOException {
    String alike = "\\\\\\[]\"!# \u001f\u007fn";
    for (int seed = 0; seed < SEEDS; seed++) {
      var random = new Random(seed);
      var string = new StringBuilder("\"");
      for (int length = random.nextInt(24); length > 0; length--) {
        string.append(alike.charAt(random.nextInt(alike.length())));
      }
      byte[] text = ("[" + string + "\"]          ").getBytes(UTF_8);
      assertThat(fault(text).equals("none"))
          .as("seed %d: %s", seed, string)
          .isEqualTo(jackson(text));
    }
  }

  @Test
  void agreesWithJacksonWhereEscapesAreNear() throws IOException {
    List<String> good = List.of("\\\\", "\\n", "\\\"", "\\u00e9", "plain text", "]", "\u007f", "é");
    List<String> bad = List.of("\\x", "\u001f", "\"", "\\");
    for (int seed = 0; seed < SEEDS; seed++) {
      var random = new Random(seed);
      var string = new StringBuilder("\"");
      // Half of them where the window moves.
      string.repeat("x", random.nextInt(2) * (WINDOW - random.nextInt(300)));
      int pieces = random.nextInt(80);
      int broken = random.nextInt(2 * pieces + 1);
      for (int piece = 0; piece < pieces; piece++) {
        List<String> from = piece == broken ? bad : good;
        string.append(from.get(random.nextInt(from.size())));
      }
      byte[] text = ("[" + string + "\"]          ").getBytes(UTF_8);
      assertThat(fault(text).equals("none"))
          .as("seed %d: %s", seed, string)
          .isEqualTo(jackson(text));
    }
  }

  @Test
  void agreesWithJacksonOnCharactersOfSeveralBytes() throws IOException {
    List<String> pieces = List.of("é", "я", "€", "語", "😀", " ", "x", "\\n", "\\\"", "\\\\");
    int accepted = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      var random = new Random(seed);
      var string = new StringBuilder("\"");
      // Half of them where the window moves.
      string.repeat("x", random.nextInt(2) * (WINDOW - random.nextInt(60)));
      for (int length = random.nextInt(60); length > 0; length--) {
        string.append(pieces.get(random.nextInt(pieces.size())));
      }
      // Alone, so that the first bytes have less than a character before them.
      byte[] text = (string + "\"").getBytes(UTF_8);
      for (int changes = random.nextInt(2); changes > 0; changes--) {
        int place = 1 + random.nextInt(text.length - 1);
        text[place] ^= (byte) (1 << random.nextInt(8));
      }
      boolean passes = fault(text).equals("none");
      accepted += passes ? 1 : 0;
      assertThat(passes).as("seed %d: %s", seed, new String(text, UTF_8)).isEqualTo(jackson(text));
    }
    assertThat(accepted).isBetween(SEEDS / 20, SEEDS * 19 / 20);
  }

  @Test
  void saysWhereUtf8IsBroken() {
    byte[] text = ("[\"" + "яx".repeat(WINDOW) + "\"]").getBytes(UTF_8);
    for (int place = 2; place < text.length - 3; place += 3) {
      // The first half of a letter, and something else behind it.
      byte whole = text[place + 1];
      text[place + 1] = 'x';
      var json = new JsonCursor(text);
      json.skip();
      assertThat(json.position()).isEqualTo(place + 1);
      text[place + 1] = whole;
    }
  }

  /** Wherever the escape leaves what has been looked at in advance. */
  @ParameterizedTest
  @ValueSource(strings = {"\\u0041", "\\b", "\\\\", "\\\\\\u0041\\\\"})
  void seesBrokenUtf8BehindEscapes(String escapes) {
    for (int before = 0; before < 9_000; before++) {
      String text = '"' + "a".repeat(before) + escapes;
      byte[] broken = (text + "?bb\"").getBytes(UTF_8);
      broken[text.length()] = (byte) 0x80;
      var json = new JsonCursor(broken);
      json.skip();
      assertThat(json.fault()).isEqualTo(Fault.MALFORMED);
      assertThat(json.position()).isEqualTo(text.length());
    }
  }

  @Test
  void goesAsDeepAsItMayAndNoDeeper() {
    int max = JsonCursor.MAX_DEPTH;
    assertThat(fault(("[".repeat(max) + "]".repeat(max)).getBytes(UTF_8))).isEqualTo("none");
    assertThat(fault("[".repeat(max + 1).getBytes(UTF_8))).isEqualTo(Fault.TOO_DEEP.name());
    assertThat(fault("{\"a\":".repeat(1_000_000).getBytes(UTF_8))).isEqualTo(Fault.TOO_DEEP.name());
  }

  @Test
  void readsNamesAndStrings() {
    var json = new JsonCursor("{\"a\\u0062\":\"x\\ty\\/\\\\\", \"я\" : [1,\"\"]}".getBytes(UTF_8));
    assertThat(json.kind()).isEqualTo(Kind.OBJECT);
    assertThat(json.enterObject()).isTrue();
    assertThat(json.name()).isEqualTo("ab");
    assertThat(json.string()).isEqualTo("x\ty/\\");
    assertThat(json.nextField()).isTrue();
    assertThat(json.name()).isEqualTo("я");
    assertThat(json.enterArray()).isTrue();
    json.skip();
    assertThat(json.nextElement()).isTrue();
    assertThat(json.string()).isEmpty();
    assertThat(json.nextElement()).isFalse();
    assertThat(json.nextField()).isFalse();
    assertThat(json.isAtEnd()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "ab,true",
    "a\\u0062,true",
    "\\u0061\\u0062,true",
    "a,false",
    "ac,false",
    "abc,false",
    "a\\n,false",
    "'',false"
  })
  void comparesNames(String written, boolean isTheSame) {
    var json = new JsonCursor(("{\"" + written + "\":1}").getBytes(UTF_8));
    json.enterObject();
    assertThat(json.nameIs("ab")).isEqualTo(isTheSame);
  }

  /** Texts with a few random bytes changed or dropped; Jackson lets some broken names pass. */
  @Test
  void agreesWithJackson() throws IOException {
    int accepted = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      byte[] text = mutated(new Random(seed));
      boolean passes = fault(text).equals("none");
      accepted += passes ? 1 : 0;
      assertThat(passes).as("seed %d: %s", seed, new String(text, UTF_8)).isEqualTo(jackson(text));
    }
    assertThat(accepted).isBetween(SEEDS / 20, SEEDS * 19 / 20);
  }

  private static byte[] mutated(Random random) {
    byte[] text = TEXTS[random.nextInt(TEXTS.length)].getBytes(UTF_8);
    String likely = "\"\\{}[],: 0-.eEtu\n\u0441a";
    for (int changes = random.nextInt(3); changes > 0; changes--) {
      int place = random.nextInt(text.length);
      switch (random.nextInt(4)) {
        case 0 -> text = without(text, place);
        case 1 -> text[place] = (byte) random.nextInt(128);
        case 2 -> text[place] = (byte) likely.charAt(random.nextInt(likely.length()));
        default -> text[place] ^= 1;
      }
    }
    return text;
  }

  private static byte[] without(byte[] text, int place) {
    byte[] shorter = new byte[text.length - 1];
    System.arraycopy(text, 0, shorter, 0, place);
    System.arraycopy(text, place + 1, shorter, place, shorter.length - place);
    return shorter.length == 0 ? text : shorter;
  }

  /** Of UTF-8 Jackson only looks at how many bytes a character has; the JDK at all of it. */
  private static boolean jackson(byte[] text) throws IOException {
    try {
      UTF_8.newDecoder().decode(ByteBuffer.wrap(text));
    } catch (CharacterCodingException malformed) {
      return false;
    }
    try (JsonParser parser = JACKSON.createParser(text)) {
      if (parser.nextToken() == null) {
        return false;
      }
      parser.skipChildren();
      parser.finishToken();
      return parser.nextToken() == null;
    } catch (com.fasterxml.jackson.core.JacksonException malformed) {
      return false;
    }
  }

  private static String fault(byte[] text) {
    var json = new JsonCursor(text);
    json.skip();
    boolean atEnd = json.isAtEnd();
    Fault fault = json.fault();
    return fault != null ? fault.name() : atEnd ? "none" : "something follows";
  }
}

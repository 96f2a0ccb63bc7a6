package freellmproxy.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A secret is found in each of its spellings, and nothing else is changed. */
final class RedactorTest {
  private static final String KEY = "sk-or-v1/0aF9+nvapi-42b";
  private static final String TAIL = "...-42b (len=23)";

  private final Redactor redactor = Redactor.NONE.with(new Secret(KEY));

  private static String spelled(IntFunction<String> letter) {
    return KEY.chars().mapToObj(letter).collect(Collectors.joining());
  }

  private static String half(IntFunction<String> letter) {
    var random = new Random(7);
    return spelled(c -> random.nextBoolean() ? letter.apply(c) : Character.toString(c));
  }

  @Test
  void findsTheSecretInEachOfItsSpellings() {
    List<IntFunction<String>> letters =
        List.of(
            Character::toString,
            c -> "\\u%04x".formatted(c),
            c -> "\\u%04X".formatted(c),
            c -> "\\\\u%04x".formatted(c),
            c -> "\\\\\\\\u%04x".formatted(c),
            c -> c == '/' ? "\\/" : Character.toString(c),
            c -> c == '/' ? "\\\\/" : Character.toString(c),
            c -> "\\x%02x".formatted(c),
            c -> "%%%02x".formatted(c),
            c -> "%%%02X".formatted(c),
            c -> "%%25%02X".formatted(c),
            c -> "&#%d;".formatted(c),
            c -> "&#%04d;".formatted(c),
            c -> "&#x%x;".formatted(c),
            c -> "&#X%X;".formatted(c));
    for (IntFunction<String> letter : letters) {
      for (String spelled : List.of(spelled(letter), half(letter))) {
        assertThat(redactor.redact("Bearer " + spelled + "\", too"))
            .isEqualTo("Bearer " + TAIL + "\", too");
        assertThat(redactor.redact(spelled + spelled)).isEqualTo(TAIL + TAIL);
        assertThat(redactor.redact("=" + spelled + "abc012")).isEqualTo("=" + TAIL + "abc012");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "u", "us", "user:", "a longer name:", "Bearer "})
  void findsTheSecretInTheBase64OfWhatItStandsIn(String before) {
    for (String after : List.of("", ":", "::", ", and more")) {
      byte[] text = (before + KEY + after).getBytes(UTF_8);
      for (Base64.Encoder encoder : List.of(Base64.getEncoder(), Base64.getUrlEncoder())) {
        String redacted =
            String.valueOf(redactor.redact("Basic " + encoder.encodeToString(text) + "!"));
        assertThat(redacted).contains(TAIL).startsWith("Basic ").endsWith("!");
        // What is left of it tells the outermost letters of the secret at most.
        assertThat(redacted.length() - TAIL.length())
            .isLessThanOrEqualTo(
                "Basic !".length() + 4 * (before.length() + after.length()) / 3 + 8);
      }
    }
  }

  /** What is no part of the key is still escaped as it was. */
  @Test
  void leavesTheEscapesBesideASecretWhole() {
    assertThat(redactor.redact("\"\\n" + KEY + "\\n\\\\\""))
        .isEqualTo("\"\\n" + TAIL + "\\n\\\\\"");
    assertThat(redactor.redact("\"\\\\n" + KEY + "\"")).isEqualTo("\"\\\\n" + TAIL + "\"");
    String nested = "\"{\\\"key\\\":\\\"" + KEY + "\\\"}\"";
    assertThat(redactor.redact(nested)).isEqualTo("\"{\\\"key\\\":\\\"" + TAIL + "\\\"}\"");
  }

  @Test
  void changesNothingElse() {
    String almost = KEY.substring(0, KEY.length() - 1);
    for (String text :
        List.of(
            "",
            "x",
            almost,
            almost + " b",
            almost.repeat(100),
            "\\".repeat(1000),
            "%25".repeat(1000),
            "&#".repeat(1000),
            "\u00e4\u4e2d\ud83d\ude00".repeat(10),
            "\\u0073\\u006b-or".repeat(100))) {
      byte[] bytes = text.getBytes(UTF_8);
      assertThat(redactor.redact(bytes)).isSameAs(bytes);
      assertThat(redactor.redact(text)).isSameAs(text);
    }
  }

  /** Against the plain way to look for it, in texts made of its own pieces. */
  @Test
  void findsWhatAPlainSearchFinds() {
    var random = new Random(11);
    for (int round = 0; round < 20_000; round++) {
      var text = new StringBuilder();
      while (text.length() < 80) {
        int from = random.nextInt(KEY.length());
        text.append(KEY, from, random.nextInt(from, KEY.length() + 1));
        text.append(random.nextInt(4) == 0 ? KEY : random.nextInt(4) == 0 ? " " : "");
      }
      assertThat(redactor.redact(text.toString()))
          .as(text.toString())
          .isEqualTo(text.toString().replace(KEY, TAIL));
    }
  }

  @Test
  void leavesAShortSecretAlone() {
    Redactor some = Redactor.NONE.with(new Secret("lm-studio")).with(new Secret("sk-123456789"));
    assertThat(some.redact("lm-studio sk-123456789")).isEqualTo("lm-studio ...6789 (len=12)");
  }

  @Test
  void showsNothingOfCredentials() {
    Redactor some = Redactor.NONE.withCredentials("me", "p:ss word");
    String basic = Base64.getEncoder().encodeToString("me:p:ss word".getBytes(UTF_8));
    assertThat(some.redact("Basic " + basic + ", me, p:ss word."))
        .doesNotContain(basic, "ss word")
        .startsWith("Basic ")
        .contains("me, ***.");
    assertThat(Redactor.NONE.withCredentials("me", "short").redact("me:short, short"))
        .isEqualTo("***, short");
  }

  /** A key may end in what some text around it would need escaped. */
  @Test
  void putsNothingInItsPlaceThatHasToBeEscaped() {
    Redactor some = Redactor.NONE.with(new Secret("0123456789\"\\<&"));
    assertThat(some.redact("a 0123456789\\\"\\\\<& b")).isEqualTo("a ...???? (len=14) b");
    assertThat(some.redact("a 0123456789\"\\<& b")).isEqualTo("a ...???? (len=14) b");
  }

  /** Whatever an upstream makes of it, the time grows with the text only. */
  @Test
  void readsALargeTextOfPiecesOfTheSecretInNoTime() {
    for (String piece :
        List.of(KEY.substring(0, 20), "\\", "%25", "s\\", "sk-or-v1\\\\\\", "&#0", KEY)) {
      byte[] text = piece.repeat((4 << 20) / piece.length()).getBytes(UTF_8);
      long began = System.nanoTime();
      redactor.redact(text);
      assertThat(System.nanoTime() - began).isLessThan(3_000_000_000L);
    }
  }
}

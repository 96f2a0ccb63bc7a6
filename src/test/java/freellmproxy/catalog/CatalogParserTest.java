package freellmproxy.catalog;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.catalog.CatalogParser.Result;
import freellmproxy.config.Globs;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract section 2: the tolerant parse. */
final class CatalogParserTest {

  @Test
  void sortsByRankAndKeepsTheListsOrderBehind() {
    assertThat(
            ids(
                """
                {"models":[{"id":"none"},{"id":"b","rank":2},{"id":"a","rank":1.5},
                {"id":"null","rank":null},{"id":"b","rank":1},{"id":"a","rank":9}],"x":1}
                """))
        .containsExactly("b", "a", "none", "null");
  }

  @Test
  void takesABareArray() {
    assertThat(ids("[{\"id\":\"a\"}]")).containsExactly("a");
  }

  @Test
  void skipsEntriesWithoutAnIdWithAWarning() {
    Result.Parsed parsed = parsed("[{\"rank\":1},{\"id\":\"\"},{\"id\":7},9,{\"id\":\"a\"}]");
    assertThat(parsed.models()).hasSize(1);
    assertThat(parsed.warnings()).hasSize(4);
  }

  @Test
  void tellsAFlagThatIsMissingFromOneThatIsFalse() {
    Model model =
        parsed(
                """
                [{"id":"a","supportsTools":true,"supportsSeed":false,"supportsStop":null,
                "contextLength":8192.0,"maxCompletionTokens":null,"name":null}]
                """)
            .models()
            .getFirst();
    assertThat(model.supported()).containsExactly(Capability.TOOLS);
    assertThat(model.unsupported()).containsExactly(Capability.SEED);
    assertThat(model.contextLength()).isEqualTo(8192);
    assertThat(model.maxCompletionTokens()).isNull();
  }

  @Test
  void leavesOutIdsThatAreNotAllowedWithAWarning() {
    var parser = new CatalogParser(id -> id.endsWith(":free"));
    var result = parser.parse("[{\"id\":\"a:free\"},{\"id\":\"openrouter/auto\"}]".getBytes(UTF_8));
    assertThat(result)
        .isInstanceOfSatisfying(
            Result.Parsed.class,
            parsed -> {
              assertThat(parsed.models()).extracting(Model::id).containsExactly("a:free");
              assertThat(parsed.warnings()).hasSize(1);
            });
  }

  @Test
  void countsTheLastOfAFieldThatComesTwice() {
    Result.Parsed parsed =
        parsed(
            """
            {"models":[{"id":"old"}],"models":[{"id":"a","id":"b","rank":1,"rank":"x",
            "supportsTools":true,"supportsTools":false,"supportsSeed":true,"supportsSeed":1}]}
            """);
    assertThat(parsed.models()).extracting(Model::id).containsExactly("b");
    assertThat(parsed.models().getFirst().unsupported()).containsExactly(Capability.TOOLS);
    assertThat(parsed.models().getFirst().supported()).isEmpty();
  }

  @Test
  void makesNothingOfWhatIsTooLongOrTooLarge() {
    Result.Parsed parsed =
        parsed(
            """
            [{"id":"%s"},{"id":"a","name":"%s","contextLength":1e999999999,
            "maxCompletionTokens":%s,"rank":0.%s}]
            """
                .formatted("i".repeat(201), "n".repeat(201), "9".repeat(1001), "9".repeat(1001)));
    assertThat(parsed.warnings()).hasSize(1);
    Model model = parsed.models().getFirst();
    assertThat(model.id()).isEqualTo("a");
    assertThat(model.name()).isNull();
    assertThat(model.contextLength()).isNull();
    assertThat(model.maxCompletionTokens()).isNull();
  }

  @Test
  void readsEscapesAndAByteOrderMark() {
    assertThat(ids("\uFEFF[{\"\\u0069d\":\" \\u0061 \"}]")).containsExactly("a");
  }

  @Test
  void takesTheFirstTenThousandEntriesAndNamesTheFirstFewFaults() {
    Result.Parsed parsed =
        parsed("[" + "null,".repeat(9_000) + "{\"id\":\"a\"},".repeat(2_000) + "{\"id\":\"b\"}]");
    assertThat(parsed.models()).extracting(Model::id).containsExactly("a");
    assertThat(parsed.warnings()).hasSize(20);
    assertThat(parsed.moreWarnings()).isEqualTo(9_000 + 1 - 20);
  }

  @Test
  void saysWhenTheListWasMade() {
    assertThat(parsed("{\"updatedAt\":\"today\",\"models\":[{\"id\":\"a\"}]}").updatedAt())
        .isEqualTo("today");
    assertThat(parsed("[{\"id\":\"a\"}]").updatedAt()).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "*/b*          | a/a:free c/c:free",
        "A/*,c/c:fre?  | x/b:free",
        "*b*           | a/a:free c/c:free",
        "a/a           | a/a:free x/b:free c/c:free",
        "*a*a*a*b      | a/a:free x/b:free c/c:free",
        "a*e,x/?:free  | c/c:free",
        "*             | ",
      })
  void leavesOutWhatIsDenied(String globs, String left) {
    var denied = new Globs(List.of(globs.toLowerCase(Locale.ROOT).split(",")));
    String list = "[{\"id\":\"a/a:free\"},{\"id\":\"x/b:free\"},{\"id\":\"c/c:free\"}]";
    switch (new CatalogParser(id -> true, denied).parse(list.getBytes(UTF_8))) {
      case CatalogParser.Result.Parsed parsed -> {
        assertThat(parsed.models()).extracting(Model::id).containsExactly(left.split(" "));
        assertThat(parsed.warnings()).isEmpty();
      }
      case CatalogParser.Result.Unusable(FetchFailure failure) -> {
        assertThat(left).isNull();
        assertThat(failure.error()).contains("MODELS_DENY leaves out 3");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "<html>", "{}", "[]", "7", "{\"models\":{}}", "[{\"rank\":1}]", "[{"})
  void findsNothingUsable(String list) {
    assertThat(new CatalogParser(id -> true).parse(list.getBytes(UTF_8)))
        .isInstanceOf(Result.Unusable.class);
  }

  private static List<String> ids(String list) {
    return parsed(list).models().stream().map(Model::id).toList();
  }

  private static Result.Parsed parsed(String list) {
    return switch (new CatalogParser(id -> true).parse(list.getBytes(UTF_8))) {
      case Result.Parsed parsed -> parsed;
      case Result.Unusable unusable -> throw new AssertionError(unusable.failure().error());
    };
  }
}

package freellmproxy.chat;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.catalog.Capability;
import freellmproxy.chat.RequestScan.Result;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract sections 3, 4 and 12, as far as the body decides. */
final class RequestScanTest {
  /** One for all, as in a proxy: whatever an earlier body left on the desk must not matter. */
  private static final RequestScanner SCANNER = new RequestScanner();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"model\":\"x\",\"messages\":[]}       | {\"model\":\"NEW\",\"messages\":[]}",
        "{\"messages\":[],\"model\":\"x\"}       | {\"messages\":[],\"model\":\"NEW\"}",
        "{\"messages\":[]}                       | {\"model\":\"NEW\",\"messages\":[]}",
        "{\"model\":null,\"messages\":[]}        | {\"model\":\"NEW\",\"messages\":[]}",
        "{\"model\": 7 ,\"messages\":[]}         | {\"model\": \"NEW\" ,\"messages\":[]}",
        "{\"model\":{\"a\":[1]},\"messages\":[]} | {\"model\":\"NEW\",\"messages\":[]}",
        "{\"model\":[],\"messages\":[]}          | {\"model\":\"NEW\",\"messages\":[]}",
        "{\"mod\\u0065l\":\"x\",\"messages\":[]} | {\"mod\\u0065l\":\"NEW\",\"messages\":[]}",
        "{\"model\":\"a\\\"b\",\"messages\":[]}  | {\"model\":\"NEW\",\"messages\":[]}",
        "{\"model\":\"a\",\"messages\":[],\"model\":\"b\"} "
            + "| {\"model\":\"NEW\",\"messages\":[],\"model\":\"NEW\"}",
        "{\"messages\":[{\"model\":\"x\"}],\"m\":{\"model\":1}} "
            + "| {\"model\":\"NEW\",\"messages\":[{\"model\":\"x\"}],\"m\":{\"model\":1}}",
        "{\"messages\":[],\"n\":12345678901234567890.10e+5,\"n\":1E400} "
            + "| {\"model\":\"NEW\",\"messages\":[],\"n\":12345678901234567890.10e+5,\"n\":1E400}",
        "{\"Model\":\"x\",\"messages\":[]}       "
            + "| {\"model\":\"NEW\",\"Model\":\"x\",\"messages\":[]}",
        "{ \"é\" : \"\\u00e9\", \"messages\" : [ ], \"model\" : \"ü\" } "
            + "| { \"é\" : \"\\u00e9\", \"messages\" : [ ], \"model\" : \"NEW\" }",
      })
  void changesNothingButTheModel(String body, String forwarded) {
    assertThat(forwarded(body, "NEW")).isEqualTo(forwarded);
  }

  @Test
  void keepsTheWhiteSpaceAroundTheBody() {
    assertThat(forwarded("\n {\"messages\":[]}\n\n", "NEW"))
        .isEqualTo("\n {\"model\":\"NEW\",\"messages\":[]}\n\n");
  }

  @Test
  void carriesABodyOfEightMegabytes() {
    String text = "ж".repeat(4 << 20);
    String body = "{\"messages\":[\"" + text + "\"],\"model\":\"x\"}";
    assertThat(forwarded(body, "NEW"))
        .isEqualTo("{\"messages\":[\"" + text + "\"],\"model\":\"NEW\"}");
  }

  @Test
  void quotesAnIdThatNeedsIt() {
    assertThat(forwarded("{\"messages\":[]}", "a\"b\\"))
        .isEqualTo("{\"model\":\"a\\\"b\\\\\",\"messages\":[]}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"tools\":[{}]                                     | tools",
        "\"tools\":[]                                       | ``",
        "\"tools\":null                                     | ``",
        "\"tool_choice\":\"required\"                       | tool_choice",
        "\"tool_choice\":{\"type\":\"function\"}            | tool_choice",
        "\"tool_choice\":\"auto\"                           | ``",
        "\"tool_choice\":\"none\"                           | ``",
        "\"tool_choice\":null                               | ``",
        "\"tool_choice\":{\"type\":\"none\"}                | ``",
        "\"tool_choice\":{\"type\":\"auto\"}                | ``",
        "\"tool_choice\":{\"function\":{\"name\":\"x\"}}     | tool_choice",
        "\"tool_choice\":{\"type\":\"any\"}                 | tool_choice",
        "\"response_format\":{\"type\":\"json_schema\"}     | structured_outputs",
        "\"response_format\":{\"type\":\"json_object\"}     | response_format",
        "\"response_format\":{\"type\":\"text\"}            | ``",
        "\"response_format\":null                           | ``",
        "\"seed\":0                                         | seed",
        "\"seed\":null                                      | ``",
        "\"stop\":\"x\"                                     | stop",
        "\"stop\":[]                                        | ``",
        "\"stop\":[ ]                                       | ``",
        "\"stop\":\"\"                                      | ``",
        "\"stop\":[\"x\"]                                   | stop",
        "\"stop\":null                                      | ``",
        "\"reasoning\":{}                                   | ``",
        "\"reasoning\":{\"enabled\":false}                  | ``",
        "\"reasoning\":{\"enabled\":true}                   | reasoning",
        "\"reasoning\":{\"enabled\":null}                   | ``",
        "\"reasoning\":{\"enabled\":false,\"effort\":\"low\"} | ``",
        "\"reasoning\":{\"effort\":\"none\"}                  | ``",
        "\"reasoning\":{\"effort\":\"n\\u006fne\"}             | ``",
        "\"reasoning\":{\"effort\":\"minimal\"}               | reasoning",
        "\"reasoning\":{\"effort\":\"none\",\"exclude\":true} | ``",
        "\"reasoning\":{\"max_tokens\":0}                   | ``",
        "\"reasoning\":{\"max_tokens\":2000}                | reasoning",
        "\"reasoning\":{\"exclude\":true}                   | reasoning",
        "\"reasoning\":false                                | ``",
        "\"reasoning_effort\":\"none\"                      | ``",
        "\"reasoning_effort\":\"\"                          | ``",
        "\"reasoning\":{\"effort\":\"none\"},\"reasoning_effort\":\"low\" | reasoning",
        "\"reasoning\":{\"effort\":\"low\"},\"reasoning\":{} | ``",
        "\"reasoning_effort\":\"low\"                       | reasoning",
        "\"reasoning\":null,\"reasoning_effort\":null       | ``",
        "\"reasoning\":{},\"reasoning_effort\":null         | ``",
        "\"seed\":1,\"seed\":null                           | ``",
        "\"tools\":[{}],\"tools\":[]                        | ``",
        "\"to\\u006fls\":[{}],\"seed\":1                    | seed,tools",
        "\"x\":{\"tools\":[1],\"seed\":1}                   | ``",
      })
  void knowsWhatARequestNeeds(String fields, String needs) {
    assertThat(
            scanned("{\"messages\":[]," + fields + "}").requirements().capabilities().stream()
                .map(Capability::parameter)
                .sorted()
                .collect(Collectors.joining(",")))
        .isEqualTo(needs);
  }

  @ParameterizedTest
  @CsvSource({"image_url,IMAGE", "input_audio,AUDIO", "file,FILE"})
  void seesInputsBesideText(String part, String input) {
    String body = "{\"messages\":[{\"content\":[{\"" + part + "\":{}}]}]}";
    assertThat(scanned(body).requirements().inputs().toString()).contains(input);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "  ", "{", "{\"messages\":[", "{\"messages\":[]}{}", "nul", "{a:1}"})
  void refusesWhatIsNotJson(String body) {
    assertThat(scan(body.getBytes(UTF_8))).isInstanceOf(Result.NotJson.class);
  }

  @Test
  void refusesInvalidUtf8AndOtherCharsets() {
    byte[] cut = {'{', '"', (byte) 0xE2, (byte) 0x82, '"', ':', '1', '}'};
    assertThat(scan(cut)).isInstanceOf(Result.NotJson.class);
    assertThat(scan("{}".getBytes(java.nio.charset.StandardCharsets.UTF_16)))
        .isInstanceOf(Result.NotJson.class);
  }

  /** What comes again and again would fill memory with places of model values. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"model\":1",
        "\"mod\\u0065l\":\"x\"",
        "\"messages\":[]",
        "\"stream\":true",
        "\"tools\":[]",
        "\"tool_choice\":null",
        "\"response_format\":{}",
        "\"seed\":1",
        "\"stop\":null",
        "\"reasoning\":{}",
        "\"reasoning_effort\":null",
        "\"provider\":{}",
        "\"plugins\":[]",
        "\"models\":null",
      })
  void refusesAFieldThatComesMoreThanAFewTimes(String field) {
    String few = "{\"messages\":[]" + ("," + field).repeat(3) + "}";
    assertThat(scan(few.getBytes(UTF_8))).isInstanceOf(Result.Scanned.class);
    for (int times : new int[] {5, 1000}) {
      String many = "{\"messages\":[]" + ("," + field).repeat(times) + "}";
      var fault = (Result.NotChat) scan(many.getBytes(UTF_8));
      assertThat(field.replace("\\u0065", "e")).startsWith("\"" + fault.param() + "\"");
      assertThat(fault.message()).contains(fault.param(), "4 times");
    }
  }

  @Test
  void mindsNotHowOftenAnUnknownFieldComes() {
    assertThat(scanned("{\"x\":1" + ",\"x\":1".repeat(1000) + ",\"messages\":[]}").stream())
        .isFalse();
  }

  @ParameterizedTest
  @CsvSource({"m,1200", "ж,600", "😀,300", "\\u0436,200", "\\n,600"})
  void keepsOnlyTheBeginningOfALongModelName(String character, int kept) {
    String body = "{\"messages\":[],\"model\":\"" + character.repeat(100_000) + "\"}";
    String decoded = character.equals("\\n") ? "\n" : character.replace("\\u0436", "ж");
    assertThat(scanned(body).ignoredModel()).hasValue(decoded.repeat(kept));
  }

  @Test
  void takesALongNameForNoneOfItsOwn() {
    String padded = "{\"messages\":[],\"" + "tools".repeat(100_000) + "\":[{}]}";
    assertThat(scanned(padded).requirements().capabilities()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"auto,", "'',", "gpt-4o,gpt-4o"})
  void namesOnlyModelsThatAreWorthALine(String model, String named) {
    String found =
        scanned("{\"model\":\"" + model + "\",\"messages\":[]}").ignoredModel().orElse(null);
    assertThat(found).isEqualTo(named);
  }

  @Test
  void readsTheStreamFlag() {
    assertThat(scanned("{\"messages\":[],\"stream\":true}").stream()).isTrue();
    assertThat(scanned("{\"messages\":[],\"stream\":null}").stream()).isFalse();
    assertThat(scanned("{\"messages\":[],\"stream\":true,\"stream\":false}").stream()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 20_000})
  void keepsTheBytesUntilNobodyNeedsThem(int spaces) {
    ByteBuf body = Unpooled.copiedBuffer("{\"messages\":[]}" + " ".repeat(spaces), UTF_8);
    ChatRequest request = ((Result.Scanned) SCANNER.scan(body)).request();
    ByteBuf lent = request.bodyFor("NEW");
    request.release();
    request.release();
    assertThat(lent.toString(UTF_8)).contains("messages");
    lent.release();
    assertThat(body.refCnt()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "[]", "{}"})
  void keepsNoBytesOfWhatIsNoRequest(String text) {
    ByteBuf body = Unpooled.buffer().writeBytes(text.getBytes(UTF_8));
    SCANNER.scan(body);
    assertThat(body.refCnt()).isZero();
  }

  private static Result scan(byte[] body) {
    return SCANNER.scan(Unpooled.wrappedBuffer(body));
  }

  /** As a short body, which is copied, and as a long one, which is not. */
  private static String forwarded(String body, String model) {
    String space = " ".repeat(20_000);
    String text = text(scanned(body).bodyFor(model));
    assertThat(text(scanned(body + space).bodyFor(model))).isEqualTo(text + space);
    return text;
  }

  private static String text(ByteBuf bytes) {
    String text = bytes.toString(UTF_8);
    bytes.release();
    return text;
  }

  private static ChatRequest scanned(String body) {
    return switch (scan(body.getBytes(UTF_8))) {
      case Result.Scanned scanned -> scanned.request();
      case Result.NotJson fault -> throw new AssertionError(fault.message());
      case Result.NotChat fault ->
          throw new AssertionError(fault.message().toLowerCase(Locale.ROOT));
    };
  }
}

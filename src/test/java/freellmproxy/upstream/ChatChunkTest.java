package freellmproxy.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Contract section 6: what makes an event useful. */
final class ChatChunkTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"delta\":{\"content\":\"a\"}}                          | useful",
        "{\"delta\":{\"content\":\"\"}}                           | nothing",
        "{\"delta\":{\"role\":\"assistant\",\"content\":null}}    | nothing",
        "{\"delta\":{\"reasoning\":\"a\"}}                        | useful",
        "{\"delta\":{\"reasoning_content\":\"a\"}}                | useful",
        "{\"delta\":{\"reasoning_details\":[{\"text\":\"a\"}]}}   | useful",
        "{\"delta\":{\"reasoning_details\":[]}}                   | nothing",
        "{\"delta\":{\"refusal\":\"no\"}}                         | useful",
        "{\"delta\":{\"audio\":{\"data\":\"AA\"}}}                | useful",
        "{\"delta\":{\"tool_calls\":[{\"index\":0}]}}             | useful",
        "{\"delta\":{\"tool_calls\":[]}}                          | nothing",
        "{\"delta\":{\"function_call\":{\"name\":\"f\"}}}         | useful",
        "{\"delta\":{},\"finish_reason\":\"stop\"}                | finish",
        "{\"delta\":{},\"finish_reason\":null}                    | nothing",
        "{\"delta\":{},\"finish_reason\":\"\"}                    | nothing",
        "{\"delta\":{},\"finish_reason\":\"error\"}               | error",
        "{\"delta\":{\"content\":\"\"},\"error\":{\"code\":502}}  | error",
        "{\"delta\":{\"content\":\"a\"},\"error\":null}           | useful",
        "7                                                        | nothing",
      })
  void readsAChoice(String choice, String meaning) {
    assertThat(shortly("{\"choices\":[" + choice + "]}")).isEqualTo(meaning);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"choices\":[],\"usage\":{\"content\":\"x\"}} | nothing",
        "{\"error\":{\"code\":429}}                     | error",
        "{\"error\":\"x\"}                              | error",
        "{\"error\":null}                               | nothing",
        "{\"error\":false}                              | nothing",
        "[{\"error\":{\"code\":429}}]                   | error",
        "{\"content\":\"x\"}                            | nothing",
        "{\"choices\":7}                                | nothing",
        "  {}                                           | nothing",
        "[]                                             | not JSON",
        "{\"choices\":[                                 | not JSON",
        "{} {}                                          | not JSON",
        "<html>                                         | not JSON",
      })
  void readsAnEvent(String event, String meaning) {
    assertThat(shortly(event)).isEqualTo(meaning);
  }

  private static String shortly(String event) {
    ChatChunk chunk = ChatChunk.read(event.getBytes(UTF_8));
    if (!chunk.isJson()) {
      return "not JSON";
    }
    if (chunk.isError()) {
      return "error";
    }
    if (chunk.isUseful()) {
      return "useful";
    }
    return chunk.finishReason() == null ? "nothing" : "finish";
  }
}

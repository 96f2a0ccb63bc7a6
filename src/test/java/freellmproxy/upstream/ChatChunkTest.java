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
        "{\"delta\":{\"tool_calls\":[{\"index\":0}]}}             | nothing",
        "{\"delta\":{\"tool_calls\":[]}}                          | nothing",
        "{\"delta\":{\"function_call\":{\"name\":\"f\"}}}         | useful",
        "{\"delta\":{},\"finish_reason\":\"stop\"}                | finish",
        "{\"delta\":{},\"finish_reason\":null}                    | nothing",
        "{\"delta\":{},\"finish_reason\":\"\"}                    | nothing",
        "{\"delta\":{},\"finish_reason\":\"error\"}               | error",
        "{\"delta\":{\"content\":\"\"},\"error\":{\"code\":502}}  | error",
        "{\"delta\":{\"content\":\"a\"},\"error\":null}           | useful",
        "7                                                        | unreadable",
        "{\"message\":{\"content\":\"a\"}}                        | unreadable",
        "{\"text\":\"a\"}                                         | unreadable",
        "{\"delta\":{},\"message\":{\"content\":\"a\"}}           | nothing",
        "{\"text\":\"\",\"finish_reason\":\"stop\"}               | finish",
        "{\"delta\":7}                                          | unreadable",
        "{\"delta\":null}                                       | nothing",
        "{\"delta\":{\"content\":\" \\n\\u00a0\\t\"}}                | nothing",
        "{\"delta\":{\"content\":\"\u00a0\u200b\uFEFF\u3000\"}}          | nothing",
        "{\"delta\":{\"content\":\" \\n x\"}}                      | useful",
        "{\"delta\":{\"content\":\"\\u0041\"}}                     | useful",
        "{\"delta\":{\"content\":\"«да»\"}}                        | useful",
        "{\"delta\":{\"content\":\"…\"}}                           | useful",
        "{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"\"}]}} | nothing",
        "{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}} | useful",
        "{\"delta\":{\"content\":{}}}                             | nothing",
        "{\"delta\":{\"content\":7}}                              | nothing",
        "{\"delta\":{\"reasoning\":\"\\n\"}}                      | nothing",
        "{\"delta\":{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"\",\"signature\":\"s\"}]}}"
            + " | nothing",
        "{\"delta\":{\"reasoning_details\":[{\"type\":\"reasoning.encrypted\",\"data\":\"AA\"}]}} |"
            + " useful",
        "{\"delta\":{\"audio\":{\"id\":\"a\",\"data\":\"\",\"expires_at\":7}}} | nothing",
        "{\"delta\":{\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:,\"}}]}} |"
            + " useful",
        "{\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"\",\"arguments\":\"\"}}]}} |"
            + " nothing",
        "{\"delta\":{\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\""
            + " \",\"arguments\":\"\"}}]}} | nothing",
        "{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{\"}}]}} | useful",
        "{\"delta\":{\"tool_calls\":[{\"custom\":{\"input\":\"a\"}}]}} | useful",
        "{\"delta\":{\"tool_calls\":[null]}}                      | nothing",
        "{\"delta\":{\"function_call\":{\"name\":\"\",\"arguments\":\"\"}}} | nothing",
        "{\"delta\":{\"content\":\"a\"},\"error\":{}}             | useful",
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
        "{\"error\":{}}                                 | nothing",
        "{\"error\":\"\"}                               | nothing",
        "{\"error\":\" \"}                              | nothing",
        "{\"error\":[]}                                 | nothing",
        "{\"error\":0}                                  | nothing",
        "{\"error\":{\"message\":\"\",\"code\":null}}     | nothing",
        "{\"error\":{\"message\":null,\"type\":\"\",\"param\":null,\"code\":0}} | nothing",
        "{\"error\":{\"message\":\"no\"}}                | error",
        "{\"error\":{\"message\":\"\",\"code\":502}}      | error",
        "{\"error\":{\"code\":\"server_error\"}}        | error",
        "{\"error\":{\"http_status\":502}}              | error",
        "{\"error\":{\"message\":{\"detail\":\"no\"}}}    | error",
        "{\"error\":true}                               | error",
        "{\"error\":500}                                | error",
        "{\"error\":false}                              | nothing",
        "[{\"error\":{\"code\":429}}]                   | error",
        "{\"content\":\"x\"}                            | nothing",
        "{\"choices\":7}                                | unreadable",
        "  {}                                           | nothing",
        "[]                                             | unreadable",
        "{\"choices\":[                                 | unreadable",
        "{} {}                                          | unreadable",
        "<html>                                         | unreadable",
      })
  void readsAnEvent(String event, String meaning) {
    assertThat(shortly(event)).isEqualTo(meaning);
  }

  private static String shortly(String event) {
    ChatChunk chunk = ChatChunk.ofEvent(event.getBytes(UTF_8));
    if (!chunk.isReadable()) {
      return "unreadable";
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

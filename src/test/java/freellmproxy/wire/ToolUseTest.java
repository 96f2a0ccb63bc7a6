package freellmproxy.wire;

import static freellmproxy.testing.Events.DONE;
import static freellmproxy.testing.Events.ROLE;
import static freellmproxy.testing.Events.STOP;
import static freellmproxy.testing.Events.content;
import static freellmproxy.testing.Events.delta;
import static freellmproxy.testing.Events.finish;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.TestProxy;
import java.net.http.HttpResponse;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What models do with the tools that a request offers. */
final class ToolUseTest {
  private static final String TOOLS =
      "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"read\\u005ffile\"}},"
          + "{\"type\":\"function\",\"function\":{\"parameters\":{\"name\":{}},\"name\":\"ls\"}}]";

  private static final String PLAIN = "{%s,\"messages\":[]}".formatted(TOOLS);
  private static final String STREAM = "{\"stream\":true,%s,\"messages\":[]}".formatted(TOOLS);

  @AutoClose private final TestProxy proxy = TestProxy.startAt(new FakeTime());

  private HttpResponse<String> answerTo(String request, Behaviour upstream) {
    proxy.sandbox().script(FIRST, upstream);
    HttpResponse<String> answer = proxy.post(request);
    proxy.refresh();
    return answer;
  }

  private static String model(HttpResponse<String> answer) {
    return answer.headers().firstValue("x-free-llm-proxy-model").orElse("");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "read_file   | {\"a\":\"b\"}      | true",
        "ls          | ``                 | true",
        "ls          |  [1]               | true",
        "read_file   | {\"a\":\"b\"       | false",
        "read_file   | {'a':'b'}          | false",
        "read_file   | {\"a\":1}{\"a\":2} | false",
        "read_file   | path=x             | false",
        "write_file  | {}                 | false",
        "name        | {}                 | false",
      })
  void isLeftToTheNextModelWhenACallCannotBeCarriedOut(
      String name, String arguments, boolean isGood) {
    ChatAnswer answer =
        ChatAnswer.empty().thenToolCall("c1", "ls", "{}").thenToolCall("c2", name, arguments);
    assertThat(model(answerTo(PLAIN, answer))).isEqualTo(isGood ? FIRST : SECOND);
  }

  /** Byte for byte the same but for the finish, which agents go by. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "CALLS | stop       | 0 | tool_calls",
        "CALLS | tool_calls | 0 | tool_calls",
        "CALLS | length     | 0 | length",
        "CALLS | stop       | 1 | stop",
        "      | stop       | 0 | stop",
      })
  void isNoEndOfATurn(String calls, String finish, int index, String meant) {
    String answer =
        "{ \"id\":1.50,\"choices\":[{\"finish_reason\" :"
            + " \"%s\",\"index\":%d,\"message\":{\"content\":\"x\"%s}}]}";
    String made =
        calls == null
            ? ""
            : ",\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"ls\",\"arguments\":\"{}\"}}]";
    Map<String, String> json = Map.of("content-type", "application/json");
    HttpResponse<String> told =
        answerTo(PLAIN, Faults.status(200, json, answer.formatted(finish, index, made)));
    assertThat(told.body()).isEqualTo(answer.formatted(meant, index, made));
  }

  @Test
  void isNotJudgedWhereNobodyKnowsWhatIsOffered() {
    ChatAnswer answer = ChatAnswer.empty().thenToolCall("c1", "any", "{}");
    assertThat(model(answerTo("{\"messages\":[]}", answer))).isEqualTo(FIRST);
    assertThat(model(answerTo("{\"tools\":[{}],\"messages\":[]}", answer))).isEqualTo(FIRST);
    assertThat(model(answerTo("{\"tools\":[],\"messages\":[]}", answer))).isEqualTo(FIRST);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<tool_call>{}</tool_call>",
        "\\n <function=ls>",
        "<|tool_calls_section_begin|>",
        "<|python_tag|>ls()",
        "[TOOL_CALLS] [{}]",
        "<\uFF5Ctool\u2581calls\u2581begin\uFF5C>",
        "<TOOL_CALL>"
      })
  void isAFailureWhenACallIsWrittenAsText(String call) {
    assertThat(model(answerTo(PLAIN, whole(call)))).isEqualTo(SECOND);
    assertThat(model(answerTo("{\"messages\":[]}", whole(call)))).isEqualTo(FIRST);
    assertThat(model(answerTo(STREAM, Faults.stream(ROLE, content(call), STOP, DONE))))
        .isEqualTo(SECOND);
    int half = call.indexOf('<') < 0 ? 1 : call.indexOf('<') + 1;
    String pieces =
        ROLE + content(call.substring(0, half)) + delta("{}") + content(call.substring(half));
    HttpResponse<String> inPieces = answerTo(STREAM, Faults.stream(pieces + STOP + DONE));
    assertThat(model(inPieces)).isEqualTo(SECOND);
    String thought = delta("{\"reasoning\":\"hm\"}");
    assertThat(answerTo(STREAM, Faults.stream(thought + pieces + STOP + DONE)).body())
        .startsWith(thought + ROLE)
        .contains("data: {\"error\"", "call_as_text")
        .doesNotContain(call.substring(half));
  }

  private static Behaviour whole(String content) {
    return Faults.status(
        200,
        "{\"choices\":[{\"message\":{\"content\":\"%s\"},\"finish_reason\":\"stop\"}]}"
            .formatted(content));
  }

  @ParameterizedTest
  @ValueSource(strings = {"<", "<tool", "<table>", "[1]", "I call <tool_call>", "`<tool_call>`"})
  void isNotSeenInATextThatIsNoCall(String text) {
    assertThat(model(answerTo(PLAIN, whole(text)))).isEqualTo(FIRST);
    String stream = ROLE + content(text) + finish("length") + DONE;
    assertThat(answerTo(STREAM, Faults.stream(stream)).body()).isEqualTo(stream);
    String longer = ROLE + content(text) + content(" x") + content("y") + STOP + DONE;
    assertThat(answerTo(STREAM, Faults.stream(longer)).body()).isEqualTo(longer);
    String call =
        content(text)
            + delta("{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"ls\"}}]}")
            + finish("tool_calls")
            + DONE;
    assertThat(answerTo(STREAM, Faults.stream(call)).body()).isEqualTo(call);
  }
}

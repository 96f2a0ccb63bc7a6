package freellmproxy.wire;

import static freellmproxy.testing.Events.DONE;
import static freellmproxy.testing.Events.ROLE;
import static freellmproxy.testing.Events.STOP;
import static freellmproxy.testing.Events.USAGE;
import static freellmproxy.testing.Events.content;
import static freellmproxy.testing.Events.delta;
import static freellmproxy.testing.Events.event;
import static freellmproxy.testing.Events.finish;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Events that break the form of a chat stream: mended where they can mean one thing only. */
final class BrokenEventsTest {
  private static final String CALL = call("\"index\":0,\"id\":\"c1\",", "\"name\":\"f\",", "");
  private static final String CALLED = finish("tool_calls");

  /** Half of the four bytes of a character; written as Latin-1. */
  private static final String HALF_A_RUNE = "\u00F0\u009F";

  private final FakeTime time = new FakeTime();
  @AutoClose private final TestProxy proxy = TestProxy.startAt(time);

  /** One piece of a tool call; the arguments as they stand in JSON. */
  private static String call(String head, String name, String arguments) {
    return delta(
        "{\"tool_calls\":[{%s\"function\":{%s\"arguments\":\"%s\"}}]}"
            .formatted(head, name, arguments));
  }

  private static String arguments(String piece) {
    return call("\"index\":0,", "", piece);
  }

  private String answerTo(String... events) {
    proxy.sandbox().script(FIRST, Faults.stream(events));
    return proxy.stream().body();
  }

  static Stream<String> unreadable() {
    return Stream.of(
        arguments("\t"),
        arguments("b").replace("\"b\"", "\"" + HALF_A_RUNE + "\""),
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"in\n\n",
        arguments("b").replace("data: {", "data: {{"),
        arguments("\\x"),
        arguments("b").replace("\"b\"", "NaN"),
        "data: <html>\n\n",
        "data: 7\n\n",
        "data: [" + "[".repeat(2000) + "\n\n",
        event("{\"choices\":7}"),
        event("{\"choices\":{\"delta\":{\"content\":\"a\"}}}"),
        event("{\"choices\":[null]}"),
        event("{\"choices\":[{\"message\":{\"content\":\"a\"}}]}"),
        event("{\"choices\":[{\"text\":\"a\"}]}"),
        event("{\"choices\":[{\"delta\":\"a\"}]}"));
  }

  @ParameterizedTest
  @MethodSource("unreadable")
  void endAStreamWhoseAnswerWouldLackThem(String broken) {
    String good = ROLE + CALL + arguments("{\\\"a\\\":\\\"start ");
    proxy.sandbox().script(FIRST, latin1(good + broken + arguments(" end\\\"}") + CALLED + DONE));
    assertThat(proxy.stream().body())
        .startsWith(good + "data: {\"error\"")
        .contains("unreadable_event")
        .doesNotContain(" end\\\"}")
        .endsWith("\n\n" + DONE);
    assertThat(proxy.stream().headers().firstValue("x-free-llm-proxy-model")).hasValue(SECOND);
  }

  @ParameterizedTest
  @MethodSource("unreadable")
  void areAFailureOfTheModelBeforeAnythingWasSent(String broken) {
    proxy.sandbox().script(FIRST, latin1(ROLE + broken + content("a") + STOP + DONE));
    HttpResponse<String> answer = proxy.stream();
    assertThat(answer.headers().firstValue("x-free-llm-proxy-model")).hasValue(SECOND);
    assertThat(answer.body()).contains("fake OpenRouter").doesNotContain("error");
  }

  private static Behaviour latin1(String stream) {
    Step[] steps = {new Step.Write(stream.getBytes(ISO_8859_1)), new Step.End()};
    return Faults.stream().upTo(0, steps);
  }

  static Stream<Arguments> glued() {
    String a = content("a").strip();
    String b = content("b").strip();
    return Stream.of(
        Arguments.of("two data lines", a + "\n" + b + "\n\n" + STOP + DONE),
        Arguments.of("no line end", a + b + "\n\n" + STOP + DONE),
        Arguments.of("no line end, no data", a + b.substring(6) + "\n\n" + STOP + DONE),
        Arguments.of("data twice", "data: " + a + "\n\n" + content("b") + STOP + DONE),
        Arguments.of("finish and [DONE]", a + "\n" + b + "\n" + STOP.strip() + "\n" + DONE),
        Arguments.of("[DONE] in the line", a + b + "\n\n" + STOP.strip() + "[DONE]\n\n"),
        Arguments.of("no data", a + "\n\n" + content("b").substring(6) + STOP + DONE),
        Arguments.of("JSON lines", (a + "\n" + b + "\n" + STOP).replace("data: ", "") + DONE),
        Arguments.of("a BOM", a + "\n\n" + "data: \uFEFF" + b.substring(6) + "\n\n" + STOP + DONE),
        Arguments.of("null between", a + "\n\ndata: null\n\n" + content("b") + STOP + DONE),
        Arguments.of("no blank line at the end", a + "\n\n" + content("b") + STOP.strip()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("glued")
  void areTakenApartWhereTheyAreGluedTogether(String name, String stream) {
    assertThat(answerTo(stream)).isEqualTo(content("a") + content("b") + STOP + DONE);
  }

  @Test
  void loseNothingOfTextThatAServerWroteWithoutEscapes() {
    proxy
        .sandbox()
        .script(
            FIRST,
            latin1(
                content("a\tb")
                    + "data: {\"choices\":[{\"delta\":{\"content\":\"c\ndata: d\"}}]}\n\n"
                    + content("e" + HALF_A_RUNE)
                    + STOP
                    + DONE));
    assertThat(proxy.stream().body())
        .isEqualTo(
            content("a\\u0009b")
                + "data: {\"choices\":[{\"delta\":{\"content\":\"c\\u000ad\"}}]}\n\n"
                + content("e\uFFFD")
                + STOP
                + DONE);
  }

  @Test
  void matterNoMoreBehindTheFinish() {
    assertThat(answerTo(content("a"), STOP, "data: {\"usage\":{\n\n", DONE))
        .isEqualTo(content("a") + STOP + DONE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"content\":\" \\n\"}",
        "{\"content\":[{\"type\":\"text\",\"text\":\"\"}]}",
        "{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"\",\"arguments\":\"\"}}]}",
        "{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"\"}]}"
      })
  void commitNothingThatSaysNothing(String nothing) {
    proxy.sandbox().script(FIRST, Faults.stream(ROLE, delta(nothing), STOP, DONE));
    assertThat(proxy.stream().headers().firstValue("x-free-llm-proxy-model")).hasValue(SECOND);
    assertThat(answerTo(ROLE, delta(nothing), content("a"), STOP, DONE))
        .startsWith(ROLE + delta(nothing) + content("a"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"stop", "tool_calls"})
  void ofThoughtsAloneAreNoAnswer(String reason) {
    String thought = delta("{\"reasoning\":\"hm\"}");
    assertThat(answerTo(ROLE, thought, content("\\n"), finish(reason), DONE))
        .startsWith(ROLE + thought + content("\\n") + "data: {\"error\"")
        .contains("only_thinking");
    proxy.refresh();
    assertThat(answerTo(ROLE, thought, DONE)).contains("only_thinking");
    proxy.refresh();
    String atOnce =
        event("{\"choices\":[{\"delta\":{\"reasoning\":\"hm\"},\"finish_reason\":\"stop\"}]}");
    assertThat(answerTo(ROLE, atOnce, DONE)).contains("fake OpenRouter");
    proxy.refresh();
    assertThat(answerTo(thought, finish("length"), DONE))
        .isEqualTo(thought + finish("length") + DONE);
  }

  @Test
  void thatNameNoErrorAreNone() {
    String empty =
        event(
            "{\"error\":{\"message\":\"\",\"code\":null},\"choices\":[{\"delta\":{\"content\":\"b\"}}]}");
    assertThat(answerTo(content("a"), empty, STOP, DONE))
        .isEqualTo(content("a") + empty + STOP + DONE);
  }

  @Test
  void reachClientsInAFormThatTheyCanRead() {
    String usage = "{\"id\":\"gen-1\",\"usage\":{\"total_tokens\":7}}";
    String upstream =
        event("{}")
            + "event: ping\ndata: {\"type\":\"ping\"}\n\n"
            + "event: ping\ndata: now\n\n"
            + "id: 1\nretry: 5\n"
            + event("{\"choices\":[],\"prompt_filter_results\":[]}")
            + "id: 2\n\n"
            + content("a")
            + event("{\"id\":\"gen-1\",\"choices\":null}")
            + "data:\n\n"
            + event("{\"choices\":[{\"index\":0,\"delta\":null}]}")
            + event("{\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}")
            + event(usage)
            + event("{\"choices\":null,\"usage\":{}}")
            + DONE;
    assertThat(answerTo(upstream))
        .isEqualTo(
            event("{\"choices\":[],\"prompt_filter_results\":[]}")
                + content("a")
                + event("{\"choices\":[{\"index\":0,\"delta\":{}}]}")
                + event("{\"choices\":[{\"delta\":{},\"index\":0,\"finish_reason\":\"stop\"}]}")
                + event("{\"choices\":[]," + usage.substring(1))
                + event("{\"choices\":[],\"usage\":{}}")
                + DONE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "data: {}\n\n",
        ": comment\n\n",
        "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"}}]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{}}]}\n\n"
      })
  void thatSayNothingKeepNoStreamAlive(String nothing) throws IOException {
    var often = Duration.ofMillis(20);
    proxy
        .sandbox()
        .script(
            FIRST,
            Faults.stream(content("a")).upTo(1, new Step.Repeat(nothing.getBytes(UTF_8), often)));
    try (var client = RawConnection.to(proxy.port()).chat("{\"stream\":true,\"messages\":[]}")) {
      client.readUntil("\"a\"");
      // The keep-alive of the silence before the limit shows that the clock has been looked at.
      time.awaitTimerWithin(Duration.ofSeconds(15));
      time.advance(Duration.ofSeconds(59));
      for (int i = 0; i < 5; i++) {
        proxy.get("/health");
      }
      time.awaitTimerWithin(Duration.ofSeconds(15));
      time.advance(Duration.ofSeconds(1));
      assertThat(client.readUntil("[DONE]")).contains("stream_stalled");
    }
  }

  @Test
  void areCompletedWhereOnlyTheFinishIsMissing() {
    String first =
        event(
            "{\"id\":\"gen-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}");
    String finish =
        "data:"
            + " {\"id\":\"gen-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"%s\"}]}\n\n";
    assertThat(answerTo(first, DONE)).isEqualTo(first + finish.formatted("stop") + DONE);
    assertThat(proxy.stream().headers().firstValue("x-free-llm-proxy-model")).hasValue(SECOND);
    proxy.refresh();
    String call = CALL + arguments("{\\\"a\\\":\\\"}\\\"") + arguments("}");
    assertThat(answerTo(first, call, DONE))
        .isEqualTo(first + call + finish.formatted("tool_calls") + DONE);
    assertThat(proxy.settledMetrics()).doesNotContain("mid_error");
    proxy.refresh();
    String cut = CALL + arguments("{\\\"a\\\":\\\"}\\\"");
    assertThat(answerTo(first, cut, DONE))
        .startsWith(first + cut + "data: {\"error\"")
        .contains("not_finished");
  }

  @ParameterizedTest
  @ValueSource(strings = {"text/plain", "application/octet-stream", "application/json", ""})
  void areReadUnderAnyContentType(String type) {
    String text = content("a") + STOP + DONE;
    for (String before :
        List.of("", ": hi\n\n", "\uFEFF", "\n \r\n", "event: x\n", "id: 1\n", "retry: 1\n")) {
      Behaviour upstream =
          Behaviour.of(
              new Step.Head(200, type.isEmpty() ? Map.of() : Map.of("content-type", type)),
              new Step.Write((before + text).getBytes(UTF_8)),
              new Step.End());
      for (int size : new int[] {1, 1000}) {
        proxy.sandbox().script(FIRST, upstream.inPiecesOf(size));
        HttpResponse<String> answer = proxy.stream();
        assertThat(answer.body()).endsWith(text);
        assertThat(answer.headers().firstValue("content-type")).hasValue("text/event-stream");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "  \n{\"choices\":[{\"message\":{\"content\":\"a\"}}]}",
        "data",
        "<html>",
        "",
        "dat{"
      })
  void areNotSeenWhereThereAreNone(String body) {
    proxy.sandbox().script(FIRST, Faults.status(200, body).inPiecesOf(1));
    HttpResponse<String> answer = proxy.stream();
    assertThat(answer.headers().firstValue("x-free-llm-proxy-model")).hasValue(SECOND);
  }

  static Stream<Arguments> mendedCalls() {
    String one = call("\"index\":0,\"id\":\"c1\",", "\"name\":\"f\",", "{}");
    String two = call("\"index\":1,\"id\":\"c2\",", "\"name\":\"g\",", "{\\\"a\\\"");
    String rest = call("\"index\":1,", "", ":1}");
    String good = one + two + rest + CALLED + DONE;
    return Stream.of(
        Arguments.of("as it should be", good, good),
        Arguments.of("all 0", good.replace("\"index\":1", "\"index\":0"), good),
        Arguments.of(
            "without index", good.replaceAll("(\"tool_calls\":\\[\\{)\"index\":[01],", "$1"), good),
        Arguments.of("null", good.replace("[{\"index\":1", "[{\"index\":null"), good),
        Arguments.of("stop", good.replace("\"tool_calls\"}", "\"stop\"}"), good),
        Arguments.of("tool_calls, then stop", good.replace(DONE, STOP + DONE), good),
        Arguments.of(
            "stop and an empty delta with the usage",
            good.replace(
                DONE,
                STOP.replace("}\n\n", ",\"usage\":{}}\n\n")
                    + ROLE
                    + ROLE.replace("}\n\n", ",\"usage\":{\"cost\":0}}\n\n")
                    + DONE),
            good.replace(DONE, USAGE + USAGE.replace("{}", "{\"cost\":0}") + DONE)),
        Arguments.of(
            "two choices",
            content("a") + STOP.replace("\"index\":0", "\"index\":1") + content("b") + STOP + DONE,
            content("a") + STOP.replace("\"index\":0", "\"index\":1") + content("b") + STOP + DONE),
        Arguments.of(
            "id with each piece",
            one.replace("[{\"index\":0,\"id", "[{\"id")
                + two.replace("\"index\":1,", "")
                + rest.replace("\"index\":1,", "\"id\":\"c2\",")
                + CALLED
                + DONE,
            one + two + rest.replace("\"index\":1,", "\"index\":1,\"id\":\"c2\",") + CALLED + DONE),
        Arguments.of(
            "no ids",
            (one + two + rest + CALLED + DONE)
                .replaceAll("\"id\":\"c[12]\",", "")
                .replace("\"index\":1", "\"index\":0"),
            good.replaceAll("\"id\":\"c[12]\",", "")),
        Arguments.of(
            "by turns",
            CALL
                + call("\"index\":0,\"id\":\"c2\",", "\"name\":\"g\",", "")
                + call("\"index\":0,\"id\":\"c1\",", "", "{}")
                + call("\"index\":0,\"id\":\"c2\",", "", "{}")
                + CALLED
                + DONE,
            CALL
                + call("\"index\":1,\"id\":\"c2\",", "\"name\":\"g\",", "")
                + call("\"index\":0,\"id\":\"c1\",", "", "{}")
                + call("\"index\":1,\"id\":\"c2\",", "", "{}")
                + CALLED
                + DONE),
        Arguments.of(
            "gap",
            good.replace("\"index\":1", "\"index\":5"),
            good.replace("\"index\":1", "\"index\":5")),
        Arguments.of(
            "usage behind", good.replace(DONE, USAGE + DONE), good.replace(DONE, USAGE + DONE)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mendedCalls")
  void ofToolCallsGetTheIndexAndTheFinishThatAreMeant(String name, String upstream, String client) {
    assertThat(answerTo(upstream)).isEqualTo(client);
  }
}

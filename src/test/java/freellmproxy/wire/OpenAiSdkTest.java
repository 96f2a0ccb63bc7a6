package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.HttpResponseFor;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.InternalServerException;
import com.openai.errors.PermissionDeniedException;
import com.openai.errors.SseException;
import com.openai.errors.UnexpectedStatusCodeException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionFunctionTool;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.models.Model;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.Events;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.TestProxy;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The official OpenAI SDK for Java against the running proxy: what a real client makes of it. */
final class OpenAiSdkTest {
  @AutoClose private final TestProxy proxy = TestProxy.startAt(new FakeTime());
  @AutoClose private final OpenAIClient client = client(TestProxy.KEY);

  private OpenAIClient client(String key) {
    return OpenAIOkHttpClient.builder()
        .baseUrl(proxy.uri("/v1").toString())
        .apiKey(key)
        .maxRetries(0)
        .build();
  }

  private static ChatCompletionCreateParams.Builder question() {
    return ChatCompletionCreateParams.builder().model("free-model").addUserMessage("Hello");
  }

  @Test
  void chats() {
    proxy.sandbox().script(FIRST, Faults.error(503, "busy"));
    try (HttpResponseFor<ChatCompletion> raw =
        client.chat().completions().withRawResponse().create(question().build())) {
      assertThat(raw.headers().values("x-free-llm-proxy-model")).containsExactly(SECOND);
      ChatCompletion completion = raw.parse();
      assertThat(completion.model()).isEqualTo(SECOND);
      assertThat(completion.choices().getFirst().message().content())
          .hasValue("[sandbox] " + SECOND + " answers from a fake OpenRouter.");
      assertThat(completion.usage().orElseThrow().totalTokens()).isEqualTo(12);
    }
  }

  @Test
  void streams() {
    proxy.sandbox().script(FIRST, Faults.stream(Events.ROLE, Events.error(502)));
    ChatCompletion completion = stream(question().build());
    assertThat(completion.choices().getFirst().message().content())
        .hasValue("[sandbox] " + SECOND + " answers from a fake OpenRouter.");
    assertThat(completion.choices().getFirst().finishReason().asString()).isEqualTo("stop");
  }

  private ChatCompletion stream(ChatCompletionCreateParams params) {
    var whole = ChatCompletionAccumulator.create();
    try (StreamResponse<ChatCompletionChunk> chunks =
        client.chat().completions().createStreaming(params)) {
      chunks.stream().forEach(whole::accumulate);
    }
    return whole.chatCompletion();
  }

  @Test
  void callsTools() {
    String arguments = "{\"path\":\"a.txt\",\"content\":\"Привет\"}";
    proxy
        .sandbox()
        .script(
            FIRST,
            ChatAnswer.empty()
                .thenToolCall(
                    "call_1", "write_file", arguments.substring(0, 9), arguments.substring(9)));
    ChatCompletionCreateParams params = question().addTool(writeFile()).build();
    for (ChatCompletion completion :
        List.of(client.chat().completions().create(params), stream(params))) {
      ChatCompletion.Choice choice = completion.choices().getFirst();
      assertThat(choice.finishReason().asString()).isEqualTo("tool_calls");
      ChatCompletionMessageFunctionToolCall call =
          choice.message().toolCalls().orElseThrow().getFirst().asFunction();
      assertThat(call.id()).isEqualTo("call_1");
      assertThat(call.function().name()).isEqualTo("write_file");
      assertThat(call.function().arguments()).isEqualTo(arguments);
    }
    assertThat(proxy.sandbox().received().getFirst().text()).contains("\"write_file\"");
  }

  private static ChatCompletionFunctionTool writeFile() {
    return ChatCompletionFunctionTool.builder()
        .function(
            FunctionDefinition.builder()
                .name("write_file")
                .parameters(
                    FunctionParameters.builder()
                        .putAdditionalProperty("type", JsonValue.from("object"))
                        .putAdditionalProperty(
                            "properties", JsonValue.from(Map.of("path", Map.of("type", "string"))))
                        .build())
                .build())
        .build();
  }

  /** With all that the SDK asks of an event. */
  private static String complete(String events) {
    return events.replace(
        "\"id\":\"gen-1\",",
        "\"id\":\"gen-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",");
  }

  static Stream<Arguments> streamsOfAllKinds() {
    String a = Events.content("a");
    String stop = Events.STOP;
    String done = Events.DONE;
    String noChoices = Events.event("{\"id\":\"gen-1\",\"usage\":{\"total_tokens\":7}}");
    String noDelta =
        Events.event("{\"id\":\"gen-1\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}");
    return Stream.of(
        Arguments.of("complete", a + stop + Events.USAGE + done, "a stop"),
        Arguments.of("no [DONE]", a + stop, "a stop"),
        Arguments.of("no finish", a + done, "a stop"),
        Arguments.of("finish and [DONE] in one", a + stop.strip() + "\n" + done, "a stop"),
        Arguments.of("two finishes", a + stop + stop + done, "a stop"),
        Arguments.of("usage without choices", a + stop + noChoices + done, "a stop"),
        Arguments.of("choice without delta", a + noDelta + done, "a stop"),
        Arguments.of("pings", "data: {}\n\n" + a + "id: 1\n\n: c\n\n" + stop, "a stop"),
        Arguments.of("raw tab", Events.content("a\t") + stop + done, "a\t stop"),
        Arguments.of("length", a + Events.finish("length") + done, "a length"),
        Arguments.of("neither", a, "error"),
        Arguments.of("unreadable", a + "data: {oops\n\n" + stop + done, "error"),
        Arguments.of("error", a + Events.error(502) + done, "error"),
        Arguments.of("thoughts", Events.delta("{\"reasoning\":\"a\"}") + stop + done, "error"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("streamsOfAllKinds")
  void readsToTheEndOrIsToldOfAnError(String name, String upstream, String ending) {
    proxy.sandbox().script(FIRST, Faults.stream(complete(upstream)));
    if (ending.equals("error")) {
      var broken = catchThrowableOfType(SseException.class, () -> stream(question().build()));
      assertThat(broken).isNotNull();
      return;
    }
    ChatCompletion.Choice choice = stream(question().build()).choices().getFirst();
    String reason = choice.finishReason().asString();
    assertThat(choice.message().content().orElse("") + " " + reason).isEqualTo(ending);
  }

  @Test
  void tellsParallelCallsApart() {
    String call =
        "{\"tool_calls\":[{\"index\":0,\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}";
    proxy
        .sandbox()
        .script(
            FIRST,
            Faults.stream(
                complete(
                    Events.delta(call.formatted("c1"))
                        + Events.delta(call.formatted("c2"))
                        + Events.STOP)));
    ChatCompletion.Choice choice = stream(question().build()).choices().getFirst();
    assertThat(choice.finishReason().asString()).isEqualTo("tool_calls");
    assertThat(choice.message().toolCalls().orElseThrow())
        .extracting(each -> each.asFunction().id())
        .containsExactly("c1", "c2");
  }

  @Test
  void listsModels() {
    List<String> ids = client.models().list().autoPager().stream().map(Model::id).toList();
    assertThat(ids).hasSize(8).startsWith("auto", "free-model", FIRST, SECOND);
    assertThat(client.models().retrieve("auto").id()).isEqualTo("auto");
    assertThat(client.models().retrieve(FIRST).id()).isEqualTo(FIRST);
  }

  @Test
  void understandsErrors() {
    OpenAIClient stranger = client("wrong-key");
    var unknown =
        catchThrowableOfType(
            PermissionDeniedException.class,
            () -> stranger.chat().completions().create(question().build()));
    stranger.close();
    assertThat(unknown.getMessage()).contains("PROXY_API_KEY");
    proxy.sandbox().script(FIRST, Faults.error(400, "temperature is too high"));
    var passedOn =
        catchThrowableOfType(
            BadRequestException.class,
            () -> client.chat().completions().create(question().build()));
    assertThat(passedOn.getMessage()).contains("temperature is too high");
    proxy.sandbox().unscript(FIRST);
    proxy.sandbox().scriptOthers(Faults.error(503, "busy"));
    var nobody =
        catchThrowableOfType(
            InternalServerException.class,
            () -> client.chat().completions().create(question().build()));
    assertThat(nobody.statusCode()).isEqualTo(503);
    assertThat(nobody.code()).hasValue("all_models_unavailable");
    assertThat(nobody.headers().values("Retry-After")).hasSize(1);
  }

  @Test
  void understandsThatTheAccountIsUsedUp() {
    proxy.sandbox().scriptOthers(Faults.error(429, "Rate limit exceeded: free-models-per-day."));
    var limited =
        catchThrowableOfType(
            UnexpectedStatusCodeException.class,
            () -> client.chat().completions().create(question().build()));
    assertThat(limited.statusCode()).isEqualTo(402);
    assertThat(limited.code()).hasValue("account_quota_exceeded");
    assertThat(proxy.sandbox().received()).hasSize(1);
  }

  @Test
  void understandsAStreamThatBreaks() {
    proxy
        .sandbox()
        .script(
            FIRST, Faults.stream(Events.ROLE, Events.content("half")).upTo(2, new Step.Reset()));
    try (StreamResponse<ChatCompletionChunk> chunks =
        client.chat().completions().createStreaming(question().build())) {
      var broken = catchThrowableOfType(SseException.class, () -> chunks.stream().toList());
      assertThat(broken.type()).hasValue("server_error");
      assertThat(broken.code()).hasValue("stream_interrupted");
    }
  }
}

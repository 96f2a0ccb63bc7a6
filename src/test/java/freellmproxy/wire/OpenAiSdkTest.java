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
import com.openai.errors.RateLimitException;
import com.openai.errors.SseException;
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
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

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

  @Test
  void listsModels() {
    List<String> ids = client.models().list().autoPager().stream().map(Model::id).toList();
    assertThat(ids).hasSize(6).startsWith(FIRST, SECOND);
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
            RateLimitException.class, () -> client.chat().completions().create(question().build()));
    assertThat(limited.code()).hasValue("account_rate_limited");
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

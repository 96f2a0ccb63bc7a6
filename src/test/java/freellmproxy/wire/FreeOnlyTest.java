package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.testing.ForwardProxy;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract section 9, {@code FREE_ONLY}: nothing that costs money is sent to OpenRouter. */
@SuppressWarnings("NullAway.Init")
final class FreeOnlyTest {
  private static final String FILE =
      "\"messages\":[{\"content\":[{\"type\":\"file\",\"file\":{\"file_data\":\"x\"}}]}]";
  private static final String FREE_PARSER =
      "{\"id\":\"file-parser\",\"pdf\":{\"engine\":\"cloudflare-ai\"}}";

  private static ForwardProxy forward;
  private static TestProxy proxy;

  @BeforeAll
  static void standBeforeOpenRouter() {
    var started = new AtomicReference<ForwardProxy>();
    proxy =
        TestProxy.start(
            SandboxUpstream.Options.FOR_TESTS,
            sandbox -> {
              started.set(ForwardProxy.to(sandbox));
              return new String[] {
                "UPSTREAM_BASE_URL",
                "http://openrouter.ai/api/v1",
                "HTTP_PROXY",
                "127.0.0.1:" + started.get().port(),
                "NO_PROXY",
                "127.0.0.1"
              };
            });
    forward = started.get();
  }

  @AfterAll
  static void close() throws IOException {
    proxy.close();
    forward.close();
  }

  /** The field at fault, and what its error names. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '^',
      value = {
        "\"models\":[\"a/paid\"]                                  | models      | `models`",
        "\"models\":[]                                            | models      | `models`",
        "\"models\":[\"a/paid\"],\"models\":null                  | models      | `models`",
        "\"models\":null,\"models\":[\"a/paid\"]                  | models      | `models`",
        "\"mode\\u006cs\":[\"a/paid\"],\"models\":null            | models      | `models`",
        "\"\\u006d\\u006f\\u0064\\u0065\\u006c\\u0073\":\"x\"     | models      | `models`",
        "\"fallbacks\":[{\"model\":\"a/paid\"}]                   | fallbacks   | `fallbacks`",
        "\"route\":\"fallback\",\"route\":null                    | route       | `route`",
        "\"preset\":\"mine\"                                      | preset      | `preset`",
        "\"preset\":\"mine\",\"preset\":null                      | preset      | `preset`",
        "\"web_search_options\":{}                  | web_search_options | `web_search_options`",
        "\"x_search_filter\":{}                     | x_search_filter    | `x_search_filter`",
        "\"service_tier\":\"priority\"              | service_tier       | \"priority\"",
        "\"service_tier\":\"flex\",\"service_tier\":\"auto\" | service_tier | \"flex\"",
        "\"service_tier\":{\"a\":1}                 | service_tier       | `service_tier`",
        "\"speed\":\"fast\"                         | speed              | \"fast\"",
        "\"tools\":[{\"type\":\"openrouter:advisor\"}]          | tools | openrouter:advisor",
        "\"tools\":[{\"type\":\"openrouter:web_search\"}]       | tools | openrouter:web_search",
        "\"tools\":[{\"type\":\"openrouter:subagent\"}]         | tools | openrouter:subagent",
        "\"tools\":[{\"type\":\"openrouter:image_generation\"}] | tools | image_generation",
        "\"tools\":[{\"type\":\"openrouter:datetime\"}]         | tools | openrouter:datetime",
        "\"tools\":[{\"type\":\"web_search_preview\"}]          | tools | web_search_preview",
        "\"tools\":[{\"type\":\"Function\"}]                    | tools | \"Function\"",
        "\"tools\":[{\"type\":\"function \"}]                   | tools | \"function \"",
        "\"tools\":[{\"type\":\"\\uD83D\"}]                     | tools | `tools[0].type` \"?\"",
        "\"tools\":[{\"type\":7}]                               | tools | `tools[0].type`",
        "\"tools\":[{\"type\":null}]                            | tools | `tools[0].type`",
        "\"tools\":[{\"type\":\"function\",\"type\":\"x\"}]     | tools | `tools[0].type` \"x\"",
        "\"tools\":[{\"type\":\"x\",\"type\":\"function\"}]     | tools | `tools[0].type` \"x\"",
        "\"tools\":[{\"t\\u0079pe\":\"x\"}]                     | tools | `tools[0].type` \"x\"",
        "\"tools\":[{}]                                         | tools | no `type`",
        "\"tools\":[{\"name\":\"web_search\"}]                  | tools | no `type`",
        "\"tools\":[null]                                       | tools | no object",
        "\"tools\":[\"openrouter:web_search\"]                  | tools | no object",
        "\"tools\":[[{\"type\":\"x\"}]]                         | tools | no object",
        "\"tools\":[{\"type\":\"x\"}],\"tools\":[]              | tools | `tools[0].type` \"x\"",
        "\"tools\":[{\"type\":\"x\"}],\"tools\":null            | tools | `tools[0].type` \"x\"",
        "\"to\\u006fls\":[{\"type\":\"x\"}],\"tools\":[]        | tools | `tools[0].type` \"x\"",
        "\"tool_choice\":{\"type\":\"openrouter:web_search\"}  | tool_choice | web_search",
        "\"tool_choice\":{\"type\":\"web_search\"}             | tool_choice | web_search",
        "\"tool_choice\":\"openrouter:web_search\"             | tool_choice | web_search",
        "\"tool_choice\":\"web_search\",\"tool_choice\":null   | tool_choice | web_search",
        "\"tool_choice\":{\"type\":\"x\",\"type\":\"function\"} | tool_choice | \"x\"",
        "\"tool_choice\":{\"type\":\"allowed_tools\",\"tools\":[{\"type\":\"x\"}]} "
            + "| tool_choice | \"x\"",
        "\"tool_choice\":{\"allowed_tools\":{\"tools\":[{\"type\":\"x\"}]}} | tool_choice | \"x\"",
        "\"plugins\":[{\"id\":\"web\"}]                         | plugins | \"web\"",
        "\"plugins\":[{\"id\":\"fusion\"}]                      | plugins | \"fusion\"",
        "\"plugins\":[{\"id\":\"web\"}],\"plugins\":[]          | plugins | \"web\"",
        "\"plugins\":[{\"id\":\"web\"}],\"plugins\":null        | plugins | \"web\"",
        "\"plugins\":[{\"id\":\"response-healing\"},{\"id\":\"x\"}] | plugins | plugins[1].id",
        "\"plugins\":[{\"id\":\"web\",\"id\":\"moderation\"}]   | plugins | \"web\"",
        "\"plugins\":[{\"id\":\"moderation\",\"id\":\"web\"}]   | plugins | plugins[0]",
        "\"plugins\":[{\"id\":\"moderation\",\"model\":\"a/paid\"}] | plugins | \"model\"",
        "\"plugins\":[{\"id\":\"context-compression\",\"engine\":\"llm\"}] | plugins | \"llm\"",
        "\"plugins\":[{\"id\":\"moderation\",\"parameters\":{}}] | plugins | \"parameters\"",
        "\"plugins\":[{\"id\":\"file-parser\"}]                 | plugins | `pdf.engine`",
        "\"plugins\":[{\"id\":\"file-parser\",\"pdf\":{}}]      | plugins | no `engine`",
        "\"plugins\":[{\"id\":\"file-parser\",\"pdf\":null}]    | plugins | plugins[0].pdf",
        "\"plugins\":[{\"id\":\"file-parser\",\"pdf\":{\"engine\":\"mistral-ocr\"}}] "
            + "| plugins | \"mistral-ocr\"",
        "\"plugins\":[{\"id\":\"file-parser\",\"pdf\":{\"engine\":\"native\"},\"pdf\":{}}] "
            + "| plugins | no `engine`",
        "\"plugins\":[{}]                                       | plugins | no `id`",
        "\"plugins\":[\"web\"]                                  | plugins | no object",
        "\"plugins\":{\"id\":\"web\"}                           | plugins | no array",
        "\"plugins\":\"web\"                                    | plugins | no array",
      })
  void refusesWhatCostsMoneyAndNamesIt(String fields, String param, String named)
      throws IOException {
    assertThat(refused("{\"messages\":[]," + fields + "}", param)).contains(named, "FREE_ONLY");
    assertThat(refused("{" + fields + ",\"messages\":[]}", param)).contains(named, "FREE_ONLY");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        FILE,
        FILE + ",\"messages\":[]",
        FILE + ",\"plugins\":null",
        FILE + ",\"plugins\":[]",
        FILE + ",\"plugins\":[{\"id\":\"moderation\"}]",
        FILE + ",\"plugins\":[" + FREE_PARSER + "],\"plugins\":[]",
        FILE + ",\"plugins\":[],\"plugins\":[" + FREE_PARSER + "]",
        FILE
            + ",\"plugins\":[{\"id\":\"file-parser\",\"enabled\":false,"
            + "\"pdf\":{\"engine\":\"native\"}}]",
        "\"messages\":[{\"content\":[{\"\\u0066ile\":{}}]}]",
      })
  void refusesAFileThatAPaidEngineWouldRead(String fields) throws IOException {
    assertThat(refused("{" + fields + "}", "messages")).contains("`file`", FREE_PARSER);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"models\":null,\"route\":null,\"preset\":null,\"plugins\":null,\"tools\":null",
        "\"tools\":[]",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"web_search\"}}]",
        "\"tools\":[{\"function\":{\"type\":\"x\"},\"type\":\"func\\u0074ion\"}]",
        "\"tools\":[{\"type\":\"function\"},{\"type\":\"function\"}],\"tool_choice\":\"auto\"",
        "\"tool_choice\":\"none\"",
        "\"tool_choice\":null",
        "\"plugins\":[]",
        "\"plugins\":[{\"id\":\"response-healing\",\"enabled\":true}]",
        "\"plugins\":[{\"engine\":\"middle-out\",\"id\":\"context-compression\"}]",
        "\"plugins\":[" + FREE_PARSER + ",{\"id\":\"moderation\"}]",
        "\"service_tier\":\"auto\",\"speed\":\"standard\"",
        "\"service_tier\":null,\"speed\":null",
        "\"provider\":{\"order\":[\"a\"],\"sort\":\"price\",\"max_price\":{\"prompt\":0}}",
        "\"transforms\":[\"middle-out\"],\"usage\":{\"include\":true},\"metadata\":{\"models\":1}",
        "\"modalities\":[\"text\"],\"verbosity\":\"low\",\"session_id\":\"s\",\"trace\":{}",
        "\"stream_options\":{\"include_usage\":true},\"prompt_cache_key\":\"k\",\"new_in_2027\":1",
        "\"x\":{\"models\":[1],\"tools\":[{\"type\":\"x\"}],\"plugins\":[{\"id\":\"web\"}]}",
        FILE + ",\"plugins\":[" + FREE_PARSER + "]",
        "\"plugins\":[" + FREE_PARSER + "]," + FILE,
      })
  void letsPassWhatCostsNothing(String fields) {
    int before = proxy.sandbox().received().size();
    HttpResponse<String> answer = proxy.post("{\"messages\":[]," + fields + "}");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(proxy.sandbox().received()).hasSize(before + 1);
    assertThat(proxy.sandbox().received().getLast().text()).contains(fields);
  }

  /** None of the recorded models is known to refuse tools, so a choice among them goes on. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"required\"",
        "{\"type\":\"function\",\"function\":{\"name\":\"openrouter:web_search\"}}",
        "{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":\"auto\",\"tools\":"
            + "[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}}",
        "{\"type\":\"any\"}",
      })
  void letsAChoiceAmongFunctionsPass(String choice) {
    HttpResponse<String> answer = proxy.post("{\"messages\":[],\"tool_choice\":" + choice + "}");
    assertThat(answer.body()).doesNotContain("paid_feature");
  }

  @Test
  void showsOnlyTheBeginningOfALongType() throws IOException {
    String type = "😀".repeat(10_000);
    String message = refused("{\"messages\":[],\"tools\":[{\"type\":\"" + type + "\"}]}", "tools");
    assertThat(message).contains("\"" + "😀".repeat(25) + "\"").hasSizeLessThan(400);
  }

  @Test
  void asksNobodyElse() {
    assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue(FIRST);
    assertThat(forward.asked()).containsOnly("http://openrouter.ai/api/v1/chat/completions");
  }

  /** The message of the refusal; nothing may have been sent. */
  private static String refused(String body, String param) throws IOException {
    int before = proxy.sandbox().received().size();
    HttpResponse<String> answer = proxy.post(body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
    JsonNode error = new ObjectMapper().readTree(answer.body()).path("error");
    assertThat(error.path("code").asText()).isEqualTo("paid_feature");
    assertThat(error.path("param").asText()).isEqualTo(param);
    assertThat(proxy.sandbox().received()).hasSize(before);
    return error.path("message").asText();
  }
}

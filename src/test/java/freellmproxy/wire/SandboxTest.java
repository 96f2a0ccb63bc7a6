package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.FakeTime;
import freellmproxy.testing.TestProxy;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The sandbox as benches script it: over HTTP. */
final class SandboxTest {
  @AutoClose private final TestProxy proxy = TestProxy.startAt(new FakeTime());

  private HttpResponse<String> control(String method, String path, String body) {
    return proxy.send(
        HttpRequest.newBuilder(proxy.sandbox().baseUrl().resolve("/_sandbox/" + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body)));
  }

  private void script(String json) {
    assertThat(control("PUT", "models/" + FIRST, json).statusCode()).isEqualTo(200);
  }

  @Test
  void saysWhatItIs() {
    assertThat(proxy.chat().body()).contains("[sandbox]", "\"provider\":\"sandbox\"");
    assertThat(proxy.stream().body()).contains("[sandbox]", "\"provider\":\"sandbox\"");
  }

  @Test
  void playsAScriptInOrderAndTellsWhatItReceived() {
    script(
        "[{\"status\":503,\"headers\":{\"x-a\":\"b\"},\"body\":{\"error\":{}}},{\"answer\":\"hi\"}]");
    assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue(SECOND);
    assertThat(control("GET", "requests", "").body())
        .contains("\"model\":\"" + FIRST + "\"", "\"model\":\"" + SECOND + "\"", "\"number\":2");
    control("DELETE", "requests", "");
    assertThat(control("GET", "requests", "").body()).isEqualTo("[]");
    assertThat(control("DELETE", "models/" + FIRST, "").statusCode()).isEqualTo(200);
  }

  @Test
  void endsTheScriptOfAllModels() {
    control("PUT", "models/*", "{\"status\":400,\"body\":{\"error\":{}}}");
    assertThat(proxy.chat().statusCode()).isEqualTo(400);
    assertThat(control("DELETE", "models/*", "").statusCode()).isEqualTo(200);
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
  }

  @Test
  void answersInManyForms() {
    script("{\"answer\":\"Привет\",\"reasoning\":\"hm\",\"piece_bytes\":1}");
    assertThat(proxy.stream().body()).contains("Привет", "hm").endsWith("data: [DONE]\n\n");
    script("{\"answer\":\"pressed\",\"gzip\":true}");
    assertThat(proxy.chat().body()).contains("pressed");
    assertThat(proxy.stream().body()).contains("pressed").endsWith("data: [DONE]\n\n");
    script("{\"tool_call\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}");
    assertThat(proxy.chat().body()).contains("\"tool_calls\"", "{\\\"a\\\":1}");
  }

  /** Qwen Code, opencode, Continue. */
  @ParameterizedTest
  @CsvSource({"write_file,file_path", "write,filePath", "Write,filepath"})
  void knowsTheToolOfEachAgent(String tool, String pathName) {
    script("{\"agent\":true}");
    String body =
        """
        {"tools":[{"type":"function","function":{"name":"%s","parameters":{"properties":\
        {"%s":{},"content":{}}}}}],"messages":[{"role":"user","content":"Write a.txt"}]}\
        """
            .formatted(tool, pathName);
    assertThat(proxy.post(body).body())
        .contains("\"name\":\"" + tool + "\"", "{\\\"" + pathName + "\\\":\\\"a.txt\\\"");
  }

  @Test
  void writesTheFileThatAnAgentAsksForAndThenFinishes() {
    script("{\"agent\":true}");
    String tools =
        """
        "tools":[{"type":"function","function":{"name":"read_file","parameters":{"properties":\
        {"file_path":{}}}}},{"type":"function","function":{"name":"write_file","parameters":\
        {"properties":{"file_path":{},"content":{}}}}}]\
        """;
    String task =
        """
        {"role":"system","content":"<b>Use one directory.</b> You work in the directory: /tmp/demo"},\
        {"role":"user","content":[{"type":"text","text":"Create hello.py, please."}]}\
        """;
    assertThat(proxy.post("{" + tools + ",\"messages\":[" + task + "]}").body())
        .contains(
            "\"name\":\"write_file\"",
            "{\\\"file_path\\\":\\\"/tmp/demo/hello.py\\\",",
            "\"finish_reason\":\"tool_calls\"");
    assertThat(
            proxy
                .post(
                    "{"
                        + tools
                        + ",\"messages\":["
                        + task
                        + ",{\"role\":\"tool\",\"content\":\"ok\"}]}")
                .body())
        .contains("Done", "\"finish_reason\":\"stop\"");
    String question = "{\"role\":\"user\",\"content\":\"What is this?\"}";
    assertThat(proxy.post("{" + tools + ",\"messages\":[" + question + "]}").body())
        .contains("fake OpenRouter");
    assertThat(proxy.post("{\"messages\":[" + task + "]}").body()).contains("fake OpenRouter");
  }

  @Test
  void givesAnswersOfManyMegabytes() {
    String long5Mb = "x".repeat(5 << 20);
    script("{\"answer\":\"" + long5Mb + "\"}");
    assertThat(proxy.chat().body().contains(long5Mb)).isTrue();
    assertThat(proxy.stream().body().contains(long5Mb)).isTrue();
  }

  @Test
  void changesItsList() {
    control("PUT", "list", "{\"models\":[{\"id\":\"only/one:free\",\"rank\":1}]}");
    proxy.send(
        proxy
            .request("/admin/refresh")
            .header("Authorization", "Bearer " + TestProxy.KEY)
            .POST(HttpRequest.BodyPublishers.noBody()));
    assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model"))
        .hasValue("only/one:free");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"[]", "7", "{", "{\"fault\":\"nope\"}", "{\"after_writes\":1,\"then\":\"x\"}"})
  void refusesBadScripts(String script) {
    HttpResponse<String> answer = control("PUT", "models/" + FIRST, script);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("bad script");
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
  }
}

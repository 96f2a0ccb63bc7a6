package freellmproxy.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Settings that change while the proxy serves: POST /admin/reload and SIGHUP. */
final class ReloadTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String OTHER_KEY = "another-proxy-key-0123456789";
  private static final String QUOTA_GONE =
      "{\"error\":{\"message\":\"Rate limit exceeded: free-models-per-day\",\"code\":429}}";

  @TempDir private Path folder;
  private Path file;
  private TestProxy proxy;

  @BeforeEach
  void start() throws IOException {
    file = folder.resolve(".env");
    set(TestProxy.UPSTREAM_KEY, TestProxy.KEY, "PORT=0");
    proxy = TestProxy.startWith(file);
  }

  @AfterEach
  void stop() {
    proxy.close();
  }

  private void set(String upstreamKey, String proxyKey, String... more) throws IOException {
    Files.writeString(
        file,
        "OPENROUTER_API_KEY=%s\nPROXY_API_KEY=%s\n%s\n"
            .formatted(upstreamKey, proxyKey, String.join("\n", more)));
  }

  private HttpResponse<String> reload(String key) {
    return proxy.send(
        proxy
            .request("/admin/reload")
            .header("Authorization", "Bearer " + key)
            .POST(BodyPublishers.noBody()));
  }

  private String reloaded() throws IOException {
    HttpResponse<String> answer = reload(TestProxy.KEY);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer.body();
  }

  @Test
  void anotherProxyKeyCountsAtOnceAndOpenStreamsGoOn() throws IOException {
    var gate = new Gate();
    proxy
        .sandbox()
        .script(
            TestProxy.FIRST,
            request -> {
              var steps = new ArrayList<>(ChatAnswer.text("one", "two").steps(request));
              steps.add(5, new Step.Hold(gate));
              return steps;
            });
    try (var client = RawConnection.to(proxy.port())) {
      client.chat("{\"stream\":true,\"messages\":[]}", "Connection: close");
      client.readUntil("one");
      set(TestProxy.UPSTREAM_KEY, OTHER_KEY, "PORT=0");
      assertThat(reloaded()).contains("\"applied\":[\"PROXY_API_KEY\"]");
      gate.open();
      assertThat(client.readAll()).contains("two", "data: [DONE]");
    }
    assertThat(proxy.chat().statusCode()).isEqualTo(403);
    assertThat(reload(OTHER_KEY).body())
        .isEqualTo("{\"applied\":[],\"restart_needed\":[],\"warnings\":[]}");
  }

  @Test
  void anotherUpstreamKeyIsSentAtOnceAndEndsTheRestOfTheOldAccount() throws IOException {
    proxy.sandbox().script(TestProxy.FIRST, Faults.status(429, QUOTA_GONE), ChatAnswer.text("ok"));
    assertThat(proxy.chat().statusCode()).isEqualTo(402);
    assertThat(proxy.chat().body()).contains("account_quota_exceeded");
    set("sk-or-fresh-account", TestProxy.KEY, "PORT=0");
    assertThat(reloaded()).contains("\"applied\":[\"OPENROUTER_API_KEY\"]");
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
    assertThat(proxy.sandbox().received().getLast().headers().get("authorization"))
        .isEqualTo("Bearer sk-or-fresh-account");
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 429})
  void whatIsSaidOfTheOldKeySaysNothingAboutTheNewKey(int status) throws IOException {
    var gate = new Gate();
    proxy
        .sandbox()
        .script(
            TestProxy.FIRST,
            Faults.status(status, QUOTA_GONE).after(new Step.Hold(gate)),
            ChatAnswer.text("ok"));
    try (var client = RawConnection.to(proxy.port())) {
      client.chat("{\"messages\":[]}", "Connection: close");
      proxy.awaitReceived(1);
      set("sk-or-fresh-account", TestProxy.KEY, "PORT=0");
      reloaded();
      gate.open();
      assertThat(client.readAll())
          .startsWith("HTTP/1.1 200")
          .contains("x-free-llm-proxy-attempts: 2");
    }
    assertThat(proxy.sandbox().received().getLast().headers().get("authorization"))
        .isEqualTo("Bearer sk-or-fresh-account");
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
  }

  @Test
  void limitsCountForTheNextRequest() throws IOException {
    proxy.sandbox().scriptOthers(Faults.error(500, "broken"));
    set(
        TestProxy.UPSTREAM_KEY,
        TestProxy.KEY,
        "PORT=0",
        "MAX_FALLBACK_ATTEMPTS=2",
        "MAX_BODY_MB=1",
        "CORS_ORIGINS=https://chat.example.org");
    reloaded();
    assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-attempts")).hasValue("2");
    assertThat(proxy.post(" ".repeat((1 << 20) + 1)).statusCode()).isEqualTo(413);
    var answer =
        proxy.send(proxy.request("/health").header("Origin", "https://chat.example.org").GET());
    assertThat(answer.headers().firstValue("access-control-allow-origin"))
        .hasValue("https://chat.example.org");
  }

  @Test
  void whatNeedsARestartIsNamed() throws IOException {
    set(TestProxy.UPSTREAM_KEY, TestProxy.KEY, "PORT=9", "CONECT_TIMEOUT_SEC=1");
    JsonNode answer = JSON.readTree(reloaded());
    assertThat(answer.path("restart_needed").toString()).isEqualTo("[\"PORT\"]");
    assertThat(answer.path("warnings").toString()).contains("CONNECT_TIMEOUT_SEC");
  }

  @Test
  void badSettingsAreRefusedWholeAndTheOldOnesStay() throws IOException {
    set(TestProxy.UPSTREAM_KEY, OTHER_KEY, "MAX_FALLBACK_ATTEMPTS=none");
    HttpResponse<String> answer = reload(TestProxy.KEY);
    assertThat(answer.statusCode()).isEqualTo(409);
    assertThat(answer.body())
        .contains("reload_refused", "MAX_FALLBACK_ATTEMPTS")
        .doesNotContain(OTHER_KEY);
    assertThat(answer.headers().firstValue("x-should-retry")).hasValue("false");
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
  }

  @Test
  void nobodyWithoutTheKeyReloads() {
    assertThat(reload("wrong").statusCode()).isEqualTo(403);
  }

  @Test
  void sighupReadsTheFileAgain() throws Exception {
    var hangsUpItself = new ProcessBuilder("sh", "-c", "kill -HUP $$");
    assumeTrue(hangsUpItself.start().waitFor() != 0, "no parent that has SIGHUP ignored");
    try (var process =
        ProxyProcessUnderTest.start(ProxyProcessUnderTest.environment(proxy.sandbox()))) {
      int port = process.awaitEvent("started").path("port").asInt();
      process.awaitEvent("snapshot_refreshed");
      process.writeDotEnv("MAX_BODY_MB=1", "LOG_LEVEL=DEBUG", "MODELS_REFRESH_SEC=60");
      process.hangUp();
      JsonNode event = process.awaitEvent("settings_reloaded");
      assertThat(event.path("applied").toString()).isEqualTo("[\"MAX_BODY_MB\",\"LOG_LEVEL\"]");
      assertThat(event.path("restart_needed").toString()).isEqualTo("[\"MODELS_REFRESH_SEC\"]");
      assertThat(process.chat(port, "{\"messages\":[]}")).contains("200 OK");
      process.writeDotEnv("MAX_BODY_MB=none");
      process.hangUp();
      assertThat(process.awaitEvent("settings_reload_refused").path("problems").path(0).asText())
          .contains("MAX_BODY_MB");
      assertThat(process.stop()).isZero();
    }
  }
}

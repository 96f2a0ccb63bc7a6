package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.KEY;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.sandbox.Faults;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Contract section 3, {@code GET /admin/status}. */
final class AdminStatusTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static JsonNode status(TestProxy proxy) throws IOException {
    HttpResponse<String> answer =
        proxy.send(proxy.request("/admin/status").header("x-api-key", KEY));
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).doesNotContain(KEY, TestProxy.UPSTREAM_KEY, "SECRET");
    return JSON.readTree(answer.body());
  }

  @Test
  void needsTheKey() {
    try (var proxy = TestProxy.start()) {
      assertThat(proxy.get("/admin/status").statusCode()).isEqualTo(401);
      assertThat(
              proxy.send(proxy.request("/admin/status").header("x-api-key", "other")).statusCode())
          .isEqualTo(403);
    }
  }

  @Test
  void saysWhatRunsWithWhichSettings() throws IOException {
    try (var proxy =
        TestProxy.start(
            "ALL_PROXY", "http://user:SECRET@127.0.0.1:1", "NO_PROXY", "*", "PORT", "0")) {
      JsonNode status = status(proxy);
      assertThat(status.path("pid").asLong()).isEqualTo(ProcessHandle.current().pid());
      assertThat(Instant.parse(status.path("started_at").asText())).isNotNull();
      assertThat(status.path("working_folder").asText())
          .isEqualTo(Path.of("").toAbsolutePath().toString());
      assertThat(status.path("dot_env").asText()).startsWith("/").endsWith("/no-such.env");
      assertThat(status.at("/settings/OPENROUTER_API_KEY/value").asText())
          .isEqualTo("...3210 (len=" + TestProxy.UPSTREAM_KEY.length() + ")");
      assertThat(status.at("/settings/OPENROUTER_API_KEY/source").asText())
          .isEqualTo("environment");
      assertThat(status.at("/settings/UPSTREAM_BASE_URL/value").asText())
          .isEqualTo(proxy.sandbox().baseUrl().toString());
      assertThat(status.at("/settings/ALL_PROXY/value").asText())
          .isEqualTo("http://***@127.0.0.1:1");
      assertThat(status.at("/settings/LOG_LEVEL/source").asText()).isEqualTo("default");
      assertThat(status.path("models").asInt()).isEqualTo(proxy.sandbox().modelIds().size());
      assertThat(status.path("resting").asInt()).isZero();
      assertThat(status.path("account_rests_until").isNull()).isTrue();
      assertThat(Instant.parse(status.path("list_fetched_at").asText())).isNotNull();
      assertThat(status.path("list_failure").isNull()).isTrue();
    }
  }

  @Test
  void saysWhyTheListWasNotReadTheLastTime() throws IOException {
    try (var proxy =
        TestProxy.startUnread(
            new FakeTime(), "MODELS_LIST_URL", "http://127.0.0.1:1/list?key=SECRET")) {
      proxy.refresh();
      JsonNode status = status(proxy);
      assertThat(status.path("models").asInt()).isZero();
      assertThat(status.path("list_fetched_at").isNull()).isTrue();
      assertThat(status.path("list_failure").asText()).contains("nobody listens");
      assertThat(status.at("/settings/MODELS_LIST_URL/value").asText())
          .isEqualTo("http://127.0.0.1:1/list?***");
    }
  }

  @Test
  void saysUntilWhenTheAccountRests() throws IOException {
    var time = new FakeTime();
    try (var proxy = TestProxy.startAt(time)) {
      proxy
          .sandbox()
          .scriptOthers(
              Faults.error(429, "Rate limit exceeded: free-models-per-min. Wait 30 seconds"));
      proxy.chat();
      JsonNode status = status(proxy);
      assertThat(status.path("resting").asInt()).isEqualTo(status.path("models").asInt());
      assertThat(Instant.parse(status.path("account_rests_until").asText()))
          .isAfter(time.instant());
    }
  }

  @Test
  void hasTheSettingsOfTheLastReload() throws IOException {
    Path dotEnv = folder.resolve(".env");
    String proxyKey = "\nPROXY_API_KEY=" + KEY + "\nPORT=0\n";
    Files.writeString(dotEnv, "OPENROUTER_API_KEY=sk-or-old-key-1111" + proxyKey);
    try (var proxy = TestProxy.startWith(dotEnv)) {
      assertThat(status(proxy).path("dot_env").asText()).isEqualTo(dotEnv.toString());
      assertThat(status(proxy).at("/settings/OPENROUTER_API_KEY/value").asText())
          .startsWith("...1111");
      Files.writeString(dotEnv, "OPENROUTER_API_KEY=sk-or-new-key-2222" + proxyKey);
      proxy.proxy().reload();
      assertThat(status(proxy).at("/settings/OPENROUTER_API_KEY/value").asText())
          .startsWith("...2222");
    }
  }
}

package freellmproxy.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.Proxy;
import freellmproxy.ProxyVertx;
import freellmproxy.config.LiveSettings;
import freellmproxy.config.SettingsLoader;
import freellmproxy.testing.TestProxy;
import freellmproxy.time.VertxTime;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** The real list and the real upstream; three of the day's free calls. */
@EnabledIfSystemProperty(
    named = "live.tests",
    matches = "true",
    disabledReason = "needs OPENROUTER_API_KEY and a network: mvn verify -Plive")
final class LiveTest {

  @Test
  void answersThreeQuestionsInARow() throws IOException, InterruptedException {
    Vertx vertx = ProxyVertx.create();
    try (HttpClient client = HttpClient.newHttpClient()) {
      var environment = new HashMap<>(System.getenv());
      environment.put("PROXY_API_KEY", TestProxy.KEY);
      environment.put("HOST", "127.0.0.1");
      environment.put("PORT", "0");
      Proxy proxy =
          switch (SettingsLoader.load(environment, Path.of(".env"))) {
            case SettingsLoader.Result.Loaded loaded ->
                TestProxy.await(
                    Proxy.start(
                        vertx, new LiveSettings(loaded, () -> loaded), new VertxTime(vertx)));
            case SettingsLoader.Result.Refused refused ->
                throw new AssertionError(refused.problems().toString());
          };
      assertThat(TestProxy.await(proxy.firstReading()).models()).isNotEmpty();
      var question =
          HttpRequest.newBuilder(
                  URI.create("http://127.0.0.1:" + proxy.port() + "/v1/chat/completions"))
              .timeout(Duration.ofMinutes(3))
              .header("Authorization", "Bearer " + TestProxy.KEY)
              .POST(
                  HttpRequest.BodyPublishers.ofString(
                      "{\"messages\":[{\"role\":\"user\",\"content\":"
                          + "\"Сколько букв р в слове трансфорррмер?\"}]}"))
              .build();
      for (int i = 0; i < 3; i++) {
        HttpResponse<String> answer = client.send(question, HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(answer.headers().firstValue("x-free-llm-proxy-model")).isPresent();
        JsonNode message =
            new ObjectMapper().readTree(answer.body()).path("choices").path(0).path("message");
        assertThat(message.path("content").asText()).isNotBlank();
      }
    } finally {
      TestProxy.await(vertx.close());
    }
  }
}

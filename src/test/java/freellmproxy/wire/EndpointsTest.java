package freellmproxy.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.sandbox.Faults;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract section 3. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class EndpointsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String CHAT = "{\"messages\":[]}";

  @AutoClose
  private final TestProxy proxy = TestProxy.start("CORS_ORIGINS", "https://chat.example.org");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/chat/completions",
        "/api/v1/chat/completions",
        "//v1//chat/completions",
        "/v1/chat/completions/",
        "/api/v1/chat/completions/"
      })
  void servesChatUnderEverySpellingOfItsPath(String path) {
    var answer = proxy.send(authorized(path).POST(BodyPublishers.ofString(CHAT)));
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(header(answer, "x-free-llm-proxy-model")).isEqualTo(TestProxy.FIRST);
    assertThat(header(answer, "x-free-llm-proxy-attempts")).isEqualTo("1");
  }

  @Test
  void listsTheModelsByRankInOpenAiForm() throws IOException {
    JsonNode list = json(proxy.send(authorized("/v1/models").GET()));
    assertThat(list.path("object").asText()).isEqualTo("list");
    JsonNode first = list.path("data").path(2);
    assertThat(first.path("id").asText()).isEqualTo(TestProxy.FIRST);
    assertThat(first.path("object").asText()).isEqualTo("model");
    assertThat(first.path("created").isNumber()).isTrue();
    assertThat(first.path("owned_by").asText()).isEqualTo("openrouter");
    assertThat(first.path("context_length").asInt()).isEqualTo(262_144);
    assertThat(first.path("max_completion_tokens").asInt()).isEqualTo(32_768);
    assertThat(first.path("supported_parameters").toString()).contains("tools", "seed");
    assertThat(list.path("data").size()).isEqualTo(8);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/models/" + TestProxy.THIRD,
        "/api/v1/models/minimax%2Fminimax-m2.5%3Afree",
      })
  void showsOneModel(String path) throws IOException {
    JsonNode model = json(proxy.send(authorized(path).GET()));
    assertThat(model.path("id").asText()).isEqualTo(TestProxy.THIRD);
  }

  @Test
  void saysThatAModelIsUnknown() throws IOException {
    var answer = proxy.send(authorized("/v1/models/no/such").GET());
    assertError(answer, 404, "model_not_found");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /nothing, 404, not_found",
    "GET, /v1/completions, 404, api_not_spoken",
    "GET, /v1/chat/completions, 405, method_not_allowed",
    "DELETE, /v1/models, 405, method_not_allowed",
    "POST, /health, 405, method_not_allowed",
    "GET, /admin/refresh, 405, method_not_allowed",
    "OPTIONS, /v1/models, 405, method_not_allowed",
  })
  void refusesWhatIsNotThereInJson(String method, String path, int status, String code)
      throws IOException {
    var answer = proxy.send(authorized(path).method(method, BodyPublishers.noBody()));
    assertError(answer, status, code);
    assertThat(answer.headers().firstValue("allow").isPresent()).isEqualTo(status == 405);
    assertThat(header(answer, "x-should-retry")).isEqualTo("false");
  }

  @ParameterizedTest
  @CsvSource({
    "'', '', 401, missing_authorization",
    "Authorization, Basic abc, 401, invalid_authorization",
    "Authorization, Bearer, 401, invalid_authorization",
    "Authorization, Bearer wrong, 403, invalid_token",
    "x-api-key, wrong, 403, invalid_token",
  })
  void refusesRequestsWithoutItsKey(String header, String value, int status, String code)
      throws IOException {
    for (String path : new String[] {"/v1/chat/completions", "/admin/refresh"}) {
      HttpRequest.Builder request = proxy.request(path).POST(BodyPublishers.ofString(CHAT));
      if (!header.isEmpty()) {
        request.header(header, value);
      }
      var answer = proxy.send(request);
      assertError(answer, status, code);
      assertThat(answer.headers().firstValue("www-authenticate").isPresent())
          .isEqualTo(status == 401);
    }
  }

  @ParameterizedTest
  @CsvSource({"Authorization, Bearer ", "authorization, bearer ", "x-api-key, ''"})
  void takesItsKeyInBothHeaders(String header, String prefix) {
    var answer =
        proxy.send(proxy.request("/v1/models").header(header, prefix + " " + TestProxy.KEY).GET());
    assertThat(answer.statusCode()).isEqualTo(200);
  }

  @Test
  void neverSendsTheClientsKeyUpstreamNorTheUpstreamKeyToTheClient() {
    proxy.sandbox().clearReceived();
    var answer = proxy.chat();
    var received = proxy.sandbox().received().getFirst();
    assertThat(received.headers().toString()).doesNotContain(TestProxy.KEY);
    assertThat(received.headers().get("authorization"))
        .isEqualTo("Bearer " + TestProxy.UPSTREAM_KEY);
    assertThat(received.headers().get("x-title")).isEqualTo("free-llm-proxy");
    assertThat(answer.headers().map().toString() + answer.body())
        .doesNotContain(TestProxy.UPSTREAM_KEY);
  }

  @Test
  void isHealthyAndReadyAndSaysWhatItIs() throws IOException {
    assertThat(proxy.get("/health").body()).isEqualTo("{\"status\":\"ok\"}");
    JsonNode ready = json(proxy.get("/ready"));
    assertThat(ready.path("status").asText()).isEqualTo("ready");
    assertThat(ready.path("models").asInt()).isEqualTo(6);
    assertThat(ready.path("available").asInt()).isEqualTo(6);
    assertThat(ready.path("fetched_at").asText()).startsWith("20");
    assertThat(proxy.get("/").body()).contains("/v1/chat/completions", "/metrics");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/health", "/ready", "/metrics", "/v1/models"})
  void answersHeadLikeGetWithoutABody(String path) {
    var get = proxy.send(authorized(path).GET());
    var head = proxy.send(authorized(path).method("HEAD", BodyPublishers.noBody()));
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(header(head, "content-type")).isEqualTo(header(get, "content-type"));
    assertThat(head.body()).isEmpty();
  }

  @Test
  void saysWhichMethodsAPathTakes() {
    assertThat(header(proxy.send(authorized("/health").DELETE()), "allow")).isEqualTo("GET, HEAD");
  }

  @Test
  void givesEveryAnswerARequestIdAndKeepsTheClients() {
    assertThat(header(proxy.get("/nothing"), "x-request-id")).startsWith("req-");
    var answer = proxy.send(proxy.request("/health").header("x-request-id", "mine-7").GET());
    assertThat(header(answer, "x-request-id")).isEqualTo("mine-7");
  }

  @Test
  void letsPagesOfAllowedOriginsIn() {
    var preflight =
        proxy.send(
            proxy
                .request("/v1/chat/completions")
                .header("Origin", "https://chat.example.org")
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization,x-stainless-os")
                .method("OPTIONS", BodyPublishers.noBody()));
    assertThat(preflight.statusCode()).isEqualTo(204);
    assertThat(header(preflight, "access-control-allow-origin"))
        .isEqualTo("https://chat.example.org");
    assertThat(header(preflight, "access-control-allow-headers"))
        .isEqualTo("authorization,x-stainless-os");
    var stranger =
        proxy.send(proxy.request("/health").header("Origin", "https://other.example").GET());
    assertThat(stranger.headers().firstValue("access-control-allow-origin")).isEmpty();
  }

  @Test
  void refreshesTheListOnDemandAndEndsAllRests() throws IOException {
    try (var other = TestProxy.start()) {
      other.sandbox().script(TestProxy.FIRST, Faults.error(500, "broken"));
      other.chat();
      assertThat(json(other.get("/ready")).path("available").asInt()).isEqualTo(5);
      var answer = other.refresh();
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(json(answer).path("models").asInt()).isEqualTo(6);
      assertThat(json(answer).path("fetched_at").asText()).startsWith("20");
      assertThat(json(other.get("/ready")).path("available").asInt()).isEqualTo(6);
    }
  }

  @Test
  void keepsListAndRestsWhenTheListCannotBeRead() throws IOException {
    try (var other = TestProxy.start()) {
      other.sandbox().script(TestProxy.FIRST, Faults.error(500, "broken"));
      other.chat();
      other.sandbox().scriptList(Faults.html(200));
      var answer = other.refresh();
      assertError(answer, 502, "refresh_failed");
      assertThat(json(other.get("/ready")).path("available").asInt()).isEqualTo(5);
      assertThat(other.chat().statusCode()).isEqualTo(200);
    }
  }

  private HttpRequest.Builder authorized(String path) {
    return keyed(proxy, path);
  }

  private static HttpRequest.Builder keyed(TestProxy proxy, String path) {
    return proxy.request(path).header("Authorization", "Bearer " + TestProxy.KEY);
  }

  private static String header(HttpResponse<?> answer, String name) {
    return answer.headers().firstValue(name).orElse("");
  }

  private static JsonNode json(HttpResponse<String> answer) throws IOException {
    return JSON.readTree(answer.body());
  }

  private static void assertError(HttpResponse<String> answer, int status, String code)
      throws IOException {
    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(header(answer, "content-type")).isEqualTo("application/json");
    JsonNode error = json(answer).path("error");
    assertThat(error.path("code").asText()).isEqualTo(code);
    assertThat(error.path("message").asText()).isNotBlank();
    assertThat(error.path("type").asText()).isNotBlank();
    assertThat(error.has("param")).isTrue();
    assertThat(header(answer, "x-request-id")).isNotBlank();
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Contract section 5: where no request reaches a model, the client is told what stands in the way,
 * and no model rests.
 */
final class NotReachedTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static int freePort() throws IOException {
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  private static void assertNoModelRests(TestProxy proxy) throws IOException {
    var ready = JSON.readTree(proxy.get("/ready").body());
    assertThat(ready.path("available").asInt())
        .isPositive()
        .isEqualTo(ready.path("models").asInt());
  }

  private static void assertUnreachable(TestProxy proxy, String why) throws IOException {
    for (HttpResponse<String> answer : List.of(proxy.chat(), proxy.stream())) {
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(JSON.readTree(answer.body()).at("/error/message").asText())
          .contains("No model could be asked", why)
          .doesNotContain(TestProxy.UPSTREAM_KEY, "Exception");
      assertThat(answer.headers().firstValue("Retry-After")).hasValue("5");
    }
    assertNoModelRests(proxy);
  }

  @ParameterizedTest
  @CsvSource({
    "UPSTREAM_BASE_URL, http, 'nobody listens at 127.0.0.1:PORT, which is UPSTREAM_BASE_URL'",
    "UPSTREAM_BASE_URL, https, 'nobody listens at 127.0.0.1:PORT, which is UPSTREAM_BASE_URL'",
    "HTTP_PROXY, http, 'nobody listens at 127.0.0.1:PORT, which is HTTP_PROXY'",
    "HTTPS_PROXY, https, 'nobody listens at 127.0.0.1:PORT, which is HTTPS_PROXY'",
    "ALL_PROXY, https, 'nobody listens at 127.0.0.1:PORT, which is ALL_PROXY'",
  })
  void namesWhereNobodyListens(String setting, String scheme, String why) throws IOException {
    int port = freePort();
    boolean isProxy = !setting.equals("UPSTREAM_BASE_URL");
    String upstream = scheme + "://" + (isProxy ? "upstream.test" : "127.0.0.1:" + port) + "/v1";
    try (var list = TestProxy.start();
        var proxy =
            TestProxy.start(
                SandboxUpstream.Options.FOR_TESTS,
                sandbox ->
                    new String[] {
                      "MODELS_LIST_URL",
                      list.sandbox().modelListUrl().toString(),
                      "NO_PROXY",
                      "127.0.0.1",
                      isProxy ? setting : "HTTP_REFERER",
                      isProxy ? "http://user:secret@127.0.0.1:" + port : "",
                      "UPSTREAM_BASE_URL",
                      upstream
                    })) {
      assertUnreachable(proxy, why.replace("PORT", String.valueOf(port)));
    }
  }

  @Test
  void namesANameOfWhichNoAddressIsKnown() throws IOException {
    try (var proxy = toUpstream("http://no-such-name.invalid/v1", null)) {
      assertUnreachable(proxy, "no address is known of no-such-name.invalid:80");
    }
  }

  private static TestProxy toUpstream(String upstream, @Nullable Path pem) {
    return TestProxy.start(
        SandboxUpstream.Options.FOR_TESTS,
        sandbox ->
            new String[] {
              "UPSTREAM_BASE_URL", upstream, "SSL_CERT_FILE", pem == null ? "" : pem.toString()
            });
  }

  @ParameterizedTest
  @CsvSource({
    "ip:127.0.0.1, -60d, expired on 20",
    "ip:127.0.0.1, +10d, 'is not valid yet, but on 20'",
    "dns:else.test, -1d, made out to another name",
  })
  void saysWhatIsWrongWithACertificate(String name, String start, String why) throws IOException {
    TestCertificate certificate = TestCertificate.signed(folder, name, start);
    assertTlsFault(certificate, certificate.pem(), why);
  }

  @Test
  void saysThatNobodyVouchesForACertificate() throws IOException {
    assertTlsFault(TestCertificate.in(folder), null, "SSL_CERT_FILE");
  }

  private static void assertTlsFault(TestCertificate certificate, @Nullable Path pem, String why)
      throws IOException {
    var options = new SandboxUpstream.Options(0, SandboxUpstream.Recording.ON, certificate.key());
    try (var secured = TestProxy.start(options, sandbox -> new String[0]);
        var proxy = toUpstream(secured.sandbox().baseUrl().toString(), pem)) {
      assertUnreachable(
          proxy, "the certificate of 127.0.0.1:" + secured.sandbox().baseUrl().getPort());
      assertUnreachable(proxy, why);
      assertThat(secured.sandbox().received()).isEmpty();
    }
  }

  @Test
  void saysThatAServerDoesNotSpeakTls() throws IOException {
    try (var plain = TestProxy.start();
        var proxy =
            toUpstream(plain.sandbox().baseUrl().toString().replace("http://", "https://"), null)) {
      assertUnreachable(proxy, "does not speak TLS; its address may have to begin with http://");
    }
  }

  static Stream<Arguments> answersOfNoApi() {
    Map<String, String> html = Map.of("content-type", "text/html");
    String page = "<!DOCTYPE html><html><head><title>Welcome in</title></head></html>";
    return Stream.of(
        Arguments.of(404, html, page, "a web page instead of an answer: Welcome in"),
        Arguments.of(405, html, page, "Welcome in"),
        Arguments.of(400, html, page, "Welcome in"),
        Arguments.of(404, Map.of(), "404 page not found", "404 page not found"),
        Arguments.of(404, Map.of(), "", "404"),
        Arguments.of(404, Map.of(), "{\"detail\":\"Not Found\"}", "Not Found"),
        Arguments.of(405, Map.of(), "{\"detail\":\"Method Not Allowed\"}", "Not Allowed"),
        Arguments.of(
            404,
            Map.of(),
            "{\"error\":{\"message\":\"Invalid URL (POST /v1/v1/chat/completions)\"}}",
            "Invalid URL"),
        Arguments.of(
            200,
            Map.of(),
            "{\"error\":\"Unexpected endpoint or method. (POST /chat/completions)\"}",
            "Unexpected endpoint"),
        Arguments.of(
            301,
            Map.of("location", "https://elsewhere.test/login?key=secret"),
            "",
            "it redirects to https://elsewhere.test/login"));
  }

  @ParameterizedTest
  @MethodSource("answersOfNoApi")
  void saysWhichPathIsMissing(int status, Map<String, String> headers, String body, String why)
      throws IOException {
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().scriptOthers(Faults.status(status, headers, body));
      for (HttpResponse<String> answer : List.of(proxy.chat(), proxy.stream())) {
        assertThat(answer.statusCode()).isEqualTo(502);
        assertThat(answer.headers().firstValue("x-should-retry")).hasValue("false");
        assertThat(JSON.readTree(answer.body()).at("/error/message").asText())
            .contains(proxy.sandbox().baseUrl() + "/chat/completions", why, "UPSTREAM_BASE_URL")
            .doesNotContain("secret");
      }
      assertNoModelRests(proxy);
    }
  }

  @Test
  void blamesAModelForAPageWhereAnotherOneShowsThatTheApiIsThere() throws IOException {
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().script(FIRST, Faults.html(404));
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-attempts")).hasValue("2");
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-attempts")).hasValue("1");
    }
  }

  @Test
  void saysWhatAPageIsCalledThatComesInPlaceOfAnAnswer() throws IOException {
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().scriptOthers(Faults.html(200));
      for (HttpResponse<String> answer : List.of(proxy.chat(), proxy.stream())) {
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(JSON.readTree(answer.body()).at("/error/message").asText())
            .contains("web_page", "a web page instead of an answer: sandbox");
      }
    }
  }

  @Test
  void passesNoPageOnWhateverItsStatus() throws IOException {
    try (var proxy = TestProxy.start()) {
      for (int status : new int[] {401, 403, 406, 413, 451, 500, 503}) {
        proxy.sandbox().scriptOthers(Faults.html(status));
        HttpResponse<String> answer = proxy.chat();
        assertThat(JSON.readTree(answer.body()).at("/error/message").asText()).isNotEmpty();
        assertThat(answer.headers().firstValue("content-type").orElse("")).contains("json");
      }
    }
  }

  @Test
  void putsARefusalInWordsIntoJson() throws IOException {
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().script(FIRST, Faults.status(422, "temperature is \"hot\""));
      HttpResponse<String> answer = proxy.chat();
      assertThat(answer.statusCode()).isEqualTo(422);
      assertThat(JSON.readTree(answer.body()).at("/error/message").asText())
          .isEqualTo("temperature is \"hot\"");
    }
  }

  @Test
  void saysThatTheAccountsSettingsBlockAllModels() {
    try (var proxy = TestProxy.start()) {
      proxy
          .sandbox()
          .scriptOthers(Faults.error(404, "No endpoints found matching your data policy"));
      for (HttpResponse<String> answer : List.of(proxy.chat(), proxy.stream(), proxy.chat())) {
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.body()).contains("openrouter.ai/settings/privacy");
      }
    }
  }
}

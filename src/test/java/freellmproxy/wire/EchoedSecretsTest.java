package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.UPSTREAM_KEY;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.Events;
import freellmproxy.testing.ForwardProxy;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract section 3: an upstream that repeats the key it is sent does not give it away. */
final class EchoedSecretsTest {
  private static final String TAIL = "...3210 (len=28)";

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static void assertRedacted(HttpResponse<String> answer, int status) {
    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(answer.body() + answer.headers().map()).doesNotContain(UPSTREAM_KEY).contains(TAIL);
    answer
        .headers()
        .firstValueAsLong("content-length")
        .ifPresent(length -> assertThat(answer.body()).hasSize(Math.toIntExact(length)));
  }

  private static String answer(String content) {
    return "{\"choices\":[{\"message\":{\"content\":\""
        + content
        + "\"},\"finish_reason\":\"stop\"}]}";
  }

  private static Behaviour echo(int status) {
    return request ->
        Faults.error(status, "" + request.headers().get("authorization")).steps(request);
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 409, 413, 418, 422})
  void notInAnErrorThatIsPassedOn(int status) {
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().script(FIRST, echo(status));
      HttpResponse<String> answer = proxy.chat();
      assertRedacted(answer, status);
      assertThat(answer.body())
          .isEqualTo("{\"error\":{\"message\":\"Bearer " + TAIL + "\",\"code\":" + status + "}}");
    }
  }

  static Stream<String> spellings() {
    String escaped =
        UPSTREAM_KEY.chars().mapToObj("\\u%04x"::formatted).collect(Collectors.joining());
    return Stream.of(
        UPSTREAM_KEY,
        escaped,
        escaped.replace("\\", "\\\\"),
        UPSTREAM_KEY.replace("-", "%2D"),
        UPSTREAM_KEY.replace("-", "&#45;"),
        Base64.getEncoder().encodeToString((":" + UPSTREAM_KEY).getBytes(UTF_8)));
  }

  @ParameterizedTest
  @MethodSource("spellings")
  void notInAWholeAnswerAStreamOrAnErrorIn200InWhateverSpelling(String spelled) {
    try (var proxy = TestProxy.start()) {
      proxy
          .sandbox()
          .script(
              FIRST,
              Faults.status(200, answer(spelled)),
              Faults.status(200, "{\"error\":{\"message\":\"" + spelled + "\",\"code\":422}}"),
              Faults.stream(
                  Events.content(spelled), Events.content(spelled), Events.STOP, Events.DONE),
              Faults.stream(
                  Events.event("{\"error\":{\"message\":\"" + spelled + "\",\"code\":422}}")));
      for (HttpResponse<String> answer :
          List.of(proxy.chat(), proxy.chat(), proxy.stream(), proxy.stream())) {
        assertRedacted(answer, answer.statusCode());
        assertThat(answer.body()).doesNotContain(spelled);
      }
      assertThat(proxy.sandbox().received()).hasSize(4);
    }
  }

  @Test
  void notInAHeaderThatIsPassedOn() {
    try (var proxy = TestProxy.start()) {
      proxy
          .sandbox()
          .script(
              FIRST,
              Faults.status(
                  422,
                  Map.of(
                      "content-type", "text/plain; k=" + UPSTREAM_KEY, "retry-after", UPSTREAM_KEY),
                  "no"));
      HttpResponse<String> answer = proxy.chat();
      assertRedacted(answer, 422);
      assertThat(answer.headers().firstValue("retry-after")).hasValue(TAIL);
    }
  }

  @Test
  void notInAnAnswerWithNothingInItNorInTheNameOfAnEvent() {
    String empty = Events.event("{\"id\":\"" + UPSTREAM_KEY + "\",\"choices\":[]}");
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().scriptOthers(Faults.status(200, "{\"id\":\"" + UPSTREAM_KEY + "\"}"));
      assertRedacted(proxy.chat(), 200);
      proxy.sandbox().scriptOthers(Faults.stream(empty, Events.DONE));
      assertRedacted(proxy.stream(), 200);
      proxy
          .sandbox()
          .scriptOthers(
              Faults.stream(
                  "event: " + UPSTREAM_KEY + "\nid: " + UPSTREAM_KEY + "\n" + Events.content("Hi"),
                  Events.STOP,
                  Events.DONE));
      proxy.refresh();
      assertRedacted(proxy.stream(), 200);
    }
  }

  @Test
  void notWhenTheAnswerCameCompressed() {
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().script(FIRST, Faults.gzipped(Faults.status(200, answer(UPSTREAM_KEY))));
      assertRedacted(proxy.chat(), 200);
    }
  }

  @Test
  void notOverHttp2() throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    var options = new SandboxUpstream.Options(0, SandboxUpstream.Recording.ON, certificate.key());
    try (var proxy =
        TestProxy.start(
            options, sandbox -> new String[] {"SSL_CERT_FILE", certificate.pem().toString()})) {
      proxy.sandbox().script(FIRST, echo(422), Faults.status(200, answer(UPSTREAM_KEY)));
      assertRedacted(proxy.chat(), 422);
      assertRedacted(proxy.chat(), 200);
    }
  }

  @Test
  void notTheOldKeyOfARequestThatIsUnderWayAtAReload() throws IOException {
    Path dotEnv = folder.resolve(".env");
    write(dotEnv, UPSTREAM_KEY);
    var gate = new Gate();
    try (var proxy = TestProxy.startWith(dotEnv);
        var client = RawConnection.to(proxy.port())) {
      proxy.sandbox().script(FIRST, echo(422).after(new Step.Hold(gate)));
      client.chat(CHAT);
      TestProxy.await(gate.reached());
      write(dotEnv, "another-key-of-the-upstream");
      proxy.proxy().reload();
      gate.open();
      assertThat(client.readUntil("}}")).contains("Bearer " + TAIL).doesNotContain(UPSTREAM_KEY);
    }
  }

  private static void write(Path dotEnv, String key) throws IOException {
    Files.write(
        dotEnv, List.of("OPENROUTER_API_KEY=" + key, "PROXY_API_KEY=" + TestProxy.KEY, "PORT=0"));
  }

  @Test
  void norTheCredentialsOfAForwardProxy() throws IOException {
    String login = "Basic " + Base64.getEncoder().encodeToString("user:p@ss".getBytes(UTF_8));
    var forward = new AtomicReference<ForwardProxy>();
    try (var proxy =
        TestProxy.start(
            SandboxUpstream.Options.FOR_TESTS,
            sandbox -> {
              forward.set(ForwardProxy.to(sandbox));
              return new String[] {
                "UPSTREAM_BASE_URL",
                "http://upstream.test/api/v1",
                "HTTP_PROXY",
                "http://user:p%40ss@127.0.0.1:" + forward.get().port(),
                "NO_PROXY",
                "127.0.0.1"
              };
            })) {
      proxy
          .sandbox()
          .script(
              FIRST,
              request ->
                  Faults.error(407, request.headers().get("proxy-authorization") + ", user:p@ss")
                      .steps(request));
      assertThat(proxy.chat())
          .returns(407, HttpResponse::statusCode)
          .extracting(HttpResponse::body)
          .asString()
          .contains("Basic ***", ", ***")
          .doesNotContain(login.substring(8), "p@ss");
      forward.get().close();
    }
  }

  @Test
  void leavesEveryByteOfAnotherAnswerAsItCame() {
    String text =
        answer("sk-or-\\u0073\\/ \\\\ %25 &#45; " + UPSTREAM_KEY.substring(1) + " \u00e4");
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().script(FIRST, Faults.status(200, text));
      assertThat(proxy.chat().body()).isEqualTo(text);
    }
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.ForwardProxy;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import io.vertx.core.Promise;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Contract section 9: forward proxies, own certificates, and what is sent to OpenRouter itself. */
final class EgressTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static SandboxUpstream.Options tls(TestCertificate certificate) {
    return new SandboxUpstream.Options(0, SandboxUpstream.Recording.ON, certificate.key());
  }

  @ParameterizedTest
  @CsvSource({"HTTPS_PROXY,http", "ALL_PROXY,socks5", "ALL_PROXY,socks5h"})
  void goesThroughAForwardProxyWhichLooksUpTheName(String setting, String scheme)
      throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    var forward = new AtomicReference<ForwardProxy>();
    try (var proxy =
        TestProxy.start(
            tls(certificate),
            sandbox -> {
              forward.set(ForwardProxy.to(sandbox));
              return new String[] {
                "UPSTREAM_BASE_URL",
                "https://" + TestCertificate.HOST + "/api/v1",
                "MODELS_LIST_URL",
                "https://" + TestCertificate.HOST + "/api/free-llm/top-models",
                "SSL_CERT_FILE",
                certificate.pem().toString(),
                setting,
                scheme + "://us%20er:p%40ss@127.0.0.1:" + forward.get().port()
              };
            })) {
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue(FIRST);
      assertThat(proxy.stream().body()).endsWith("data: [DONE]\n\n");
      assertThat(forward.get().asked())
          .isNotEmpty()
          .containsOnly(TestCertificate.HOST + ":443 us er:p@ss");
      forward.get().close();
    }
  }

  @Test
  void sendsOnlyFreeModelsToOpenRouter() throws IOException {
    String list =
        "{\"models\":[{\"id\":\"a/paid\",\"rank\":1},{\"id\":\"a/b:free\",\"rank\":2},"
            + "{\"id\":\"openrouter/free\",\"rank\":3}]}";
    var forward = new AtomicReference<ForwardProxy>();
    try (var proxy =
        TestProxy.start(
            SandboxUpstream.Options.FOR_TESTS,
            sandbox -> {
              forward.set(ForwardProxy.to(sandbox));
              sandbox.scriptList(Faults.status(200, list));
              return new String[] {
                "UPSTREAM_BASE_URL",
                "http://openrouter.ai/api/v1",
                "HTTP_PROXY",
                "127.0.0.1:" + forward.get().port(),
                "NO_PROXY",
                "127.0.0.1"
              };
            })) {
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue("a/b:free");
      assertThat(forward.get().asked())
          .containsOnly("http://openrouter.ai/api/v1/chat/completions");
      for (String paid :
          List.of(
              "\"models\":[\"a/paid\"]",
              "\"route\":\"fallback\"",
              "\"plugins\":[{\"id\":\"web\"}]")) {
        HttpResponse<String> refused = proxy.post("{\"messages\":[]," + paid + "}");
        assertThat(refused.statusCode()).isEqualTo(400);
        assertThat(refused.body()).contains("paid_feature", paid.substring(1, 6));
      }
      assertThat(proxy.sandbox().received()).hasSize(1);
      forward.get().close();
    }
  }

  @Test
  void trustsNoCertificateThatNobodyVouchesFor() throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    try (var list = TestProxy.start();
        var proxy =
            TestProxy.start(
                tls(certificate),
                sandbox ->
                    new String[] {"MODELS_LIST_URL", list.sandbox().modelListUrl().toString()})) {
      HttpResponse<String> answer = proxy.chat();
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.body()).contains("all_models_unavailable");
      assertThat(proxy.sandbox().received()).isEmpty();
    }
  }

  @Test
  void sharesFewHttp2ConnectionsAmongManyRequestsAndSurvivesTheirReset() throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    try (var proxy =
        TestProxy.start(
            tls(certificate),
            sandbox -> new String[] {"SSL_CERT_FILE", certificate.pem().toString()})) {
      List<String> bodies =
          IntStream.range(0, 60).parallel().mapToObj(i -> proxy.stream().body()).toList();
      assertThat(bodies).allSatisfy(body -> assertThat(body).endsWith("data: [DONE]\n\n"));
      // One for each event loop, one for the list.
      assertThat(proxy.sandbox().openConnections())
          .isLessThanOrEqualTo(Runtime.getRuntime().availableProcessors() + 1);
      proxy.sandbox().script(FIRST, Faults.reset());
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue(SECOND);
      assertThat(proxy.stream().headers().firstValue("x-free-llm-proxy-model")).hasValue(SECOND);
    }
  }

  @Test
  void blamesNoModelForMoreStreamsThanOneHttp2ConnectionTakes() throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    int streams = 150 * Runtime.getRuntime().availableProcessors();
    var missing = new AtomicInteger(streams);
    Promise<Void> allAsked = Promise.promise();
    var gate = new Gate();
    Behaviour held =
        request -> {
          if (missing.decrementAndGet() == 0) {
            allAsked.complete();
          }
          return ChatAnswer.standard().after(new Step.Hold(gate)).steps(request);
        };
    try (var proxy =
        TestProxy.start(
            tls(certificate),
            sandbox ->
                new String[] {
                  "SSL_CERT_FILE",
                  certificate.pem().toString(),
                  // On a busy machine so many begin more slowly than one may.
                  "CONNECT_TIMEOUT_SEC",
                  "60",
                  "UPSTREAM_TIMEOUT_SEC",
                  "60"
                })) {
      proxy.sandbox().script(FIRST, held);
      var answers = new ArrayList<Future<HttpResponse<String>>>();
      try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
        IntStream.range(0, streams).forEach(i -> answers.add(clients.submit(proxy::stream)));
        TestProxy.await(allAsked.future());
        gate.open();
      }
      assertThat(answers)
          .allSatisfy(answer ->
              assertThat(answer.resultNow().headers().firstValue("x-free-llm-proxy-attempts"))
                  .hasValue("1"));
    }
  }

  /** The upstream would speak HTTP/2; each call has a connection of its own all the same. */
  @ParameterizedTest
  @CsvSource({"1.1,8", "2,1"})
  void speaksTheVersionOfHttpThatIsSet(String version, int connections) throws IOException {
    int calls = 8;
    TestCertificate certificate = TestCertificate.in(folder);
    var missing = new AtomicInteger(calls);
    Promise<Void> allAsked = Promise.promise();
    var gate = new Gate();
    Behaviour held =
        request -> {
          if (missing.decrementAndGet() == 0) {
            allAsked.complete();
          }
          return ChatAnswer.standard().after(new Step.Hold(gate)).steps(request);
        };
    try (var proxy =
        TestProxy.start(
            tls(certificate),
            sandbox ->
                new String[] {
                  "SSL_CERT_FILE", certificate.pem().toString(), "UPSTREAM_HTTP", version
                })) {
      proxy.sandbox().script(FIRST, held);
      try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<HttpResponse<String>>> answers =
            IntStream.range(0, calls).mapToObj(i -> clients.submit(proxy::stream)).toList();
        TestProxy.await(allAsked.future());
        int most = connections * Runtime.getRuntime().availableProcessors() + 1;
        assertThat(proxy.sandbox().openConnections()).isBetween(connections, most);
        gate.open();
        for (Future<HttpResponse<String>> answer : answers) {
          assertThat(answer.get().body()).endsWith("data: [DONE]\n\n");
        }
      } catch (InterruptedException | ExecutionException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** As when a router on the way has forgotten it: nothing comes back, and nobody says so. */
  @Test
  void leavesAnHttp2ConnectionThatWasLostWithoutAWord() throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    var forward = new AtomicReference<ForwardProxy>();
    var time = new FakeTime();
    try (var proxy =
            TestProxy.start(
                ProxyVertx.create(),
                time,
                tls(certificate),
                sandbox -> {
                  forward.set(ForwardProxy.to(sandbox));
                  return new String[] {
                    "SSL_CERT_FILE",
                    certificate.pem().toString(),
                    "HTTPS_PROXY",
                    "127.0.0.1:" + forward.get().port(),
                    "NO_PROXY",
                    ""
                  };
                });
        var client = RawConnection.to(proxy.port())) {
      // Requests on one connection are served by one event loop with one pool.
      client.chat(TestProxy.CHAT).readUntil("fake OpenRouter.");
      forward.get().swallow();
      client.chat(TestProxy.CHAT);
      forward.get().awaitSwallowed();
      time.advance(Duration.ofSeconds(30));
      assertThat(client.readUntil("fake OpenRouter.")).contains("HTTP/1.1 200 ");
      forward.get().close();
    }
  }
}

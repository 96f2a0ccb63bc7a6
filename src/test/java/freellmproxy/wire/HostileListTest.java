package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import io.vertx.core.Vertx;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A list that is meant to do harm costs no more than its last good one staying (contract 2). */
final class HostileListTest {
  private static final int LARGEST = 16 << 20;
  private static final String REFRESH =
      "POST /admin/refresh HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n"
          + "x-api-key: "
          + TestProxy.KEY
          + "\r\n\r\n";
  private static final String MODEL = "{\"id\":\"a:free\"}";

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  /** Each with one good entry in it; made one by one, since together they are large. */
  private static List<Supplier<String>> listsOf16Megabytes() {
    return List.of(
        () -> filled("{\"models\":[" + MODEL + ",", "{\"a\":{}},", "0]}"),
        () -> filled("[" + MODEL + ",", "[[],[]],", "0]"),
        () -> filled("[" + MODEL + ",", "{\"id\":7},", "0]"),
        () -> filled("[{\"x\":{", "\"aé\":1,", "\"b\":2}}," + MODEL + "]"),
        () -> filled("{", "\"models\":[],", "\"models\":[" + MODEL + "]}"),
        () -> filled("[{\"id\":\"", "a", "\"}," + MODEL + "]"),
        () -> filled("[{\"", "\\u0061", "\":1}," + MODEL + "]"),
        () -> filled("[{\"rank\":", "9", "}," + MODEL + "]"));
  }

  private static String filled(String head, String part, String tail) {
    int parts = (LARGEST - head.length() - tail.length()) / part.getBytes(UTF_8).length;
    return head + part.repeat(parts) + tail;
  }

  /** In a heap in which no tree of one has room. */
  @Test
  void doesNotEndTheProcessHoweverItIsMade() throws IOException {
    Vertx vertx = Vertx.vertx();
    SandboxUpstream sandbox =
        TestProxy.await(SandboxUpstream.start(vertx, SandboxUpstream.Options.FOR_TESTS));
    var environment =
        ProxyProcessUnderTest.environment(
            sandbox, "JAVA_TOOL_OPTIONS", "-Xmx96m -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError");
    try (var process = ProxyProcessUnderTest.start(environment)) {
      int port = process.awaitEvent("started").path("port").asInt();
      process.awaitEvent("snapshot_refreshed");
      for (Supplier<String> list : listsOf16Megabytes()) {
        sandbox.scriptList(Faults.status(200, list.get()));
        try (var client = RawConnection.to(port)) {
          client.send(REFRESH);
          assertThat(client.readAll()).contains("\"models\":1");
        }
      }
      assertThat(process.stop()).isZero();
    } finally {
      TestProxy.await(vertx.close());
    }
  }

  @Test
  void isReadThoughItIsCompressed() {
    try (var proxy = TestProxy.startAt(new FakeTime())) {
      proxy.sandbox().scriptList(Faults.gzipped(Faults.status(200, "[" + MODEL + "]")));
      assertThat(proxy.refresh().body()).contains("\"models\":1");
    }
  }

  @Test
  void isInflatedNoFurtherThanTheLimit() throws IOException {
    var bomb = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(bomb)) {
      byte[] megabyte = new byte[1 << 20];
      for (int i = 0; i < 256; i++) {
        gzip.write(megabyte);
      }
    }
    try (var proxy = TestProxy.startAt(new FakeTime())) {
      proxy.sandbox().scriptList(encoded("gzip", bomb.toByteArray()));
      assertThat(proxy.refresh().body()).contains("too_large", "larger than 16 MB");
      assertThat(proxy.chat().statusCode()).isEqualTo(200);
    }
  }

  private static Behaviour encoded(String encoding, byte[] body) {
    return Behaviour.of(
        new Step.Head(200, Map.of("content-encoding", encoding)),
        new Step.Write(body),
        new Step.End());
  }

  @Test
  void isRefusedWhenItIsCompressedInAnotherWayOrBroken() {
    byte[] list = ("[" + MODEL + "]").getBytes(UTF_8);
    try (var proxy = TestProxy.startAt(new FakeTime())) {
      for (String encoding : List.of("gzip", "br", "gzip, gzip")) {
        proxy.sandbox().scriptList(encoded(encoding, list));
        assertThat(proxy.refresh().body()).contains("refresh_failed", "not_json");
      }
      assertThat(proxy.chat().statusCode()).isEqualTo(200);
    }
  }

  @Test
  void isGivenUpWhenItTakesTooLongByteAfterByte() {
    var time = new FakeTime();
    try (var proxy = TestProxy.startAt(time)) {
      proxy
          .sandbox()
          .scriptList(
              Behaviour.of(
                  new Step.Head(200, Map.of()),
                  new Step.Repeat(new byte[] {' '}, Duration.ofMillis(1))));
      var reading = proxy.proxy().readList();
      time.awaitTimerBetween(Duration.ofSeconds(10), Duration.ofSeconds(10));
      time.advance(Duration.ofSeconds(10));
      assertThat(TestProxy.await(reading).generation()).isEqualTo(1);
    }
  }

  @Test
  void isFollowedToAnotherHostWhichLearnsNothingOfTheFirstAddress() {
    var heads = new ConcurrentLinkedQueue<String>();
    Behaviour good = Faults.status(200, "[" + MODEL + "]");
    try (var target = TestProxy.startAt(new FakeTime());
        var proxy =
            TestProxy.start(
                SandboxUpstream.Options.FOR_TESTS,
                sandbox ->
                    new String[] {
                      "MODELS_LIST_URL", sandbox.modelListUrl() + "?key=secret-of-the-list"
                    })) {
      target
          .sandbox()
          .scriptList(request -> {
            heads.add(request.headers().toString());
            return good.steps(request);
          });
      proxy.sandbox().scriptList(redirect(302, target.sandbox().modelListUrl().toString()));
      assertThat(proxy.refresh().body()).contains("\"models\":1");
      assertThat(heads).hasSize(1).noneMatch(head -> head.contains("secret-of-the-list"));
      assertThat(heads.peek()).doesNotContainIgnoringCase("referer");
    }
  }

  private static Behaviour redirect(int status, String location) {
    return Faults.status(status, Map.of("location", location), "elsewhere");
  }

  @Test
  void isNotFollowedInACircleNorToWhatIsNoAddress() {
    try (var proxy = TestProxy.startAt(new FakeTime())) {
      for (String location :
          List.of("?", "/api/free-llm/top-models", "file:///etc/passwd", "http://", "a b", "//")) {
        proxy.sandbox().scriptList(redirect(307, location));
        assertThat(proxy.refresh().body()).as(location).contains("(redirect: the server redirects");
      }
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue(FIRST);
    }
  }

  @Test
  void isNotFollowedFromHttpsToHttp() throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    try (var plain = TestProxy.start();
        var proxy =
            TestProxy.start(
                new SandboxUpstream.Options(0, SandboxUpstream.Recording.ON, certificate.key()),
                sandbox -> new String[] {"SSL_CERT_FILE", certificate.pem().toString()})) {
      proxy.sandbox().scriptList(redirect(301, plain.sandbox().modelListUrl().toString()));
      assertThat(proxy.refresh().body()).contains("redirect", "from https to http");
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue(FIRST);
    }
  }

  @Test
  void isFollowedFromHttpToHttps() throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    try (var secure =
            TestProxy.start(
                new SandboxUpstream.Options(0, SandboxUpstream.Recording.ON, certificate.key()),
                sandbox -> new String[] {"SSL_CERT_FILE", certificate.pem().toString()});
        var proxy = TestProxy.start("SSL_CERT_FILE", certificate.pem().toString())) {
      secure.sandbox().scriptList(Faults.status(200, "[" + MODEL + "]"));
      proxy.sandbox().scriptList(redirect(301, secure.sandbox().modelListUrl().toString()));
      assertThat(proxy.refresh().body()).contains("\"models\":1");
    }
  }
}

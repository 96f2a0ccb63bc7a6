package freellmproxy.wire;

import static freellmproxy.testing.RawUpstream.answer;
import static freellmproxy.testing.RawUpstream.readChat;
import static freellmproxy.testing.TestCertificate.TWO_ADDRESSES;
import static freellmproxy.testing.TestProxy.FIRST;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.ForwardProxy;
import freellmproxy.testing.Ipv6;
import freellmproxy.testing.RawUpstream;
import freellmproxy.testing.SeveralAddresses;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import freellmproxy.testing.UpstreamCalls;
import freellmproxy.time.VertxTime;
import freellmproxy.upstream.UpstreamReply;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A name has several addresses, and not every one of them answers (RFC 8305). */
final class AddressesTest {
  private static final Duration NEXT_AFTER = Duration.ofMillis(250);

  private final Vertx vertx = ProxyVertx.create();

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  @AfterEach
  void stop() {
    TestProxy.await(vertx.close());
  }

  private static String at(String host, URI url) {
    return url.toString().replace("127.0.0.1", host);
  }

  @Test
  void areTriedInTurnForListAndUpstream() {
    try (var proxy =
        TestProxy.start(
            SandboxUpstream.Options.FOR_TESTS,
            sandbox ->
                new String[] {
                  "UPSTREAM_BASE_URL",
                  at(TWO_ADDRESSES, sandbox.baseUrl()),
                  "MODELS_LIST_URL",
                  at(TWO_ADDRESSES, sandbox.modelListUrl())
                })) {
      assertThat(proxy.refresh().statusCode()).isEqualTo(200);
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue(FIRST);
      assertThat(proxy.sandbox().received().getFirst().headers().get("host"))
          .isEqualTo(TWO_ADDRESSES + ":" + proxy.sandbox().baseUrl().getPort());
    }
  }

  @ParameterizedTest
  @CsvSource({"127.0.0.1,localhost", "::1,localhost", "::1,a.localhost", "::1,[::1]"})
  void ofThisMachineAreThoseOfBothFamilies(String listening, String host) throws IOException {
    Ipv6.assumeFor(listening);
    try (var upstream = RawUpstream.at(listening, 0)) {
      Future<UpstreamReply> told = callsTo("http", host, upstream.port()).chat();
      try (Socket connection = upstream.accept()) {
        readChat(connection);
        answer(connection);
        assertThat(TestProxy.await(told)).isInstanceOf(UpstreamReply.Answer.class);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "[::1]"})
  void ofTheListMayBeIpv6(String host) throws IOException {
    Ipv6.assumeFor("::1");
    try (var list = RawUpstream.at("::1", 0);
        var proxy =
            TestProxy.startUnread(
                new FakeTime(), "MODELS_LIST_URL", "http://" + host + ":" + list.port() + "/")) {
      try (Socket connection = list.accept()) {
        RawUpstream.write(
            connection, "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n[{\"id\":\"six\"}]");
        assertThat(TestProxy.await(proxy.proxy().firstReading()).find("six")).isPresent();
      }
    }
  }

  private UpstreamCalls callsTo(String scheme, String host, int port) {
    String url = scheme + "://" + host + ":" + port + "/v1";
    return UpstreamCalls.to(url, vertx, new VertxTime(vertx));
  }

  /** It takes a connection and does not speak TLS, until the other one has been asked. */
  @Test
  void thatAreSilentAreLeftForTheNextAndClosedWhenTheyComeLate()
      throws IOException, GeneralSecurityException {
    TestCertificate certificate = TestCertificate.in(folder);
    var time = new FakeTime();
    try (var quick = RawUpstream.start(certificate);
        var late = RawUpstream.at("127.0.0.2", quick.port(), certificate)) {
      String url = "https://" + TWO_ADDRESSES + ":" + quick.port() + "/v1";
      Future<UpstreamReply> told = UpstreamCalls.to(url, vertx, time, certificate).chat();
      try (Socket silent = late.accept()) {
        time.awaitTimerWithin(NEXT_AFTER);
        time.advance(NEXT_AFTER);
        try (Socket connection = quick.accept()) {
          readChat(connection);
          answer(connection);
          assertThat(TestProxy.await(told)).isInstanceOf(UpstreamReply.Answer.class);
          ((SSLSocket) silent).startHandshake();
          assertThat(silent.getInputStream().read()).isEqualTo(-1);
        }
      }
    }
  }

  @Test
  void thatAllRefuseAreAFailureToConnect() throws IOException {
    int port = freePort();
    assertFault("http", TWO_ADDRESSES, port, Fault.CONNECT_FAILED);
  }

  private static int freePort() throws IOException {
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  private void assertFault(String scheme, String host, int port, Fault fault) {
    assertThat(TestProxy.await(callsTo(scheme, host, port).chat()))
        .isInstanceOfSatisfying(
            UpstreamReply.Failure.class, failure -> assertThat(failure.fault()).isEqualTo(fault));
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "127.0.0.2"})
  void thatAllFailTellOfTheOneThatGotFurthest(String first) throws IOException {
    String second = first.equals("127.0.0.1") ? "127.0.0.2" : "127.0.0.1";
    try (var broken = RawUpstream.at("127.0.0.1", 0)) {
      Thread.ofVirtual().start(() -> closeNext(broken));
      assertFault("https", SeveralAddresses.name(first, second), broken.port(), Fault.TLS_FAILED);
    }
  }

  private static void closeNext(RawUpstream upstream) {
    try {
      upstream.accept().close();
    } catch (IOException gone) {
      // The test is over.
    }
  }

  @Test
  void thatNobodyKnowsAreNoneToTry() {
    assertFault("http", "no-such-name.invalid", 80, Fault.UNKNOWN_HOST);
  }

  @ParameterizedTest
  @CsvSource({
    "HTTP_PROXY,http,http,127.0.0.1",
    "HTTPS_PROXY,http,https,127.0.0.1",
    "ALL_PROXY,socks5,https,127.0.0.1",
    "HTTP_PROXY,http,http,::1",
    "HTTPS_PROXY,http,https,::1",
    "ALL_PROXY,socks5,https,::1"
  })
  void areTriedInTurnForAForwardProxy(String setting, String kind, String scheme, String listening)
      throws IOException {
    Ipv6.assumeFor(listening);
    String name = listening.equals("::1") ? "localhost" : TWO_ADDRESSES;
    TestCertificate certificate = TestCertificate.in(folder);
    boolean tls = scheme.equals("https");
    SandboxUpstream sandbox =
        TestProxy.await(
            SandboxUpstream.start(
                vertx,
                new SandboxUpstream.Options(
                    0, SandboxUpstream.Recording.ON, tls ? certificate.key() : null)));
    try (var forward = ForwardProxy.to(sandbox, InetAddress.getByName(listening));
        var proxy =
            TestProxy.start(
                "UPSTREAM_BASE_URL",
                scheme + "://" + TestCertificate.HOST + "/api/v1",
                "MODELS_LIST_URL",
                scheme + "://" + TestCertificate.HOST + "/api/free-llm/top-models",
                "SSL_CERT_FILE",
                certificate.pem().toString(),
                setting,
                kind + "://" + name + ":" + forward.port())) {
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue(FIRST);
      assertThat(forward.asked()).allMatch(asked -> asked.contains(TestCertificate.HOST));
    }
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.KEY;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 9110 and 9112, where two readers of one request could understand it differently. */
final class HttpConformanceTest {
  private static final String POST =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + KEY + "\r\n";
  private static final String BODY = "{\"messages\":[]}";

  private final FakeTime time = new FakeTime();
  @AutoClose private final TestProxy proxy = TestProxy.startAt(time);

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Host: t\r\nHost: t\r\n",
        "Host: t\r\nhost: u\r\n",
        "Host:\r\n",
        "Host: a, b\r\n",
        "Host: a,b\r\n",
        "Host: a b\r\n",
        "Host: user@a\r\n",
        "Host: a/path\r\n",
        "Host: a?b\r\n",
        "Host: a#b\r\n",
        "Host: a\\b\r\n",
        "Host: a%2\r\n",
        "Host: \u00e4\r\n",
        "Host: :80\r\n",
        "Host: a:x\r\n",
        "Host: a:-1\r\n",
        "Host: a:1:2\r\n",
        "Host: a:65536\r\n",
        "Host: a:000080\r\n",
        "Host: ::1\r\n",
        "Host: [::1\r\n",
        "Host: [::1]x\r\n",
        "Host: [a]\r\n",
        "Host: []\r\n"
      })
  void needsOneGoodHost(String hosts) throws IOException {
    assertRefused("GET /health HTTP/1.1\r\n" + hosts + "\r\n", "400");
    assertRefused("GET http://h/health HTTP/1.1\r\n" + hosts + "\r\n", "400");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "t",
        "localhost:8080",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:80",
        "my_host.local",
        "a%20b",
        "a:"
      })
  void takesEveryGoodHost(String host) throws IOException {
    assertServed("GET /health HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  }

  @Test
  void needsNoHostBeforeHttp11() throws IOException {
    assertServed("GET /health HTTP/1.0\r\n\r\n");
    assertRefused("GET /health HTTP/1.0\r\nHost: a b\r\n\r\n", "400");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/health",
        "/health?a=b",
        "http://h/health",
        "HTTPS://h:80/health?a",
        "http://[::1]//health"
      })
  void servesTargetsWithAndWithoutAHost(String target) throws IOException {
    assertServed("GET " + target + " HTTP/1.1\r\nHost: t\r\n\r\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET *",
        "GET health",
        "GET /health#x",
        "GET http://h/health#x",
        "GET http:///health",
        "GET http://user@h/health",
        "GET http://h:x/health",
        "GET ftp://h/health",
        "GET htt://h/health",
        "GET ://h/health",
        "GET /hea\u0000lth",
        "GET /hea\u0001lth",
        "GET /hea\u007flth",
        "GET /hea\u00e4lth",
        "GET /hea lth",
        "GET\t/health",
        "GET\r/health",
        "GET\u000b/health",
        " GET /health",
        "G(T /health",
        "CONNECT h:443",
        "OPTIONS h"
      })
  void refusesWhatIsNoRequestLine(String methodAndTarget) throws IOException {
    assertRefused(methodAndTarget + " HTTP/1.1\r\nHost: t\r\n\r\n", "400");
  }

  @ParameterizedTest
  @ValueSource(strings = {"*", "http://h"})
  void saysWhatTheServerAllows(String target) throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send("OPTIONS " + target + " HTTP/1.1\r\nHost: t\r\n\r\n");
      assertThat(client.readUntil("\r\n\r\n"))
          .startsWith("HTTP/1.1 204 ")
          .contains("allow: GET, HEAD, POST, OPTIONS");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"HTTP/1.2", "HTTP/1.9"})
  void speaksHttp11WithWhoSpeaksALaterOne(String version) throws IOException {
    assertServed("GET /health " + version + "\r\nHost: t\r\n\r\n");
    assertServed(
        POST.replace("HTTP/1.1", version)
            + "Transfer-Encoding: chunked\r\n\r\nf\r\n"
            + BODY
            + "\r\n0\r\n\r\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"HTTP/2.0", "HTTP/0.9", "HTTP/3.0", "http/1.1"})
  void doesNotSpeakOtherVersions(String version) throws IOException {
    assertRefused("GET /health " + version + "\r\nHost: t\r\n\r\n", "505");
  }

  @ParameterizedTest
  @ValueSource(strings = {"HTTP/1.10", "HTTP/01.1", "HTTP/1,1", "HTTP/1", "HTP/1.1", "HTTP/1.x"})
  void refusesWhatIsNoVersion(String version) throws IOException {
    assertRefused("GET /health " + version + "\r\nHost: t\r\n\r\n", "400");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ": x\r\n",
        "X : y\r\n",
        "X\t: y\r\n",
        "X\r\n",
        "X: y\r\n z\r\n",
        "X: y\r\n\tz\r\n",
        "X\u0001: y\r\n",
        "X\u00e4: y\r\n",
        "X(: y\r\n",
        "X: a\u0000b\r\n",
        "X: a\rb\r\n",
        "X: a\u0001b\r\n",
        "X: a\u007fb\r\n",
        "X: y\n"
      })
  void refusesWhatIsNoHeader(String line) throws IOException {
    assertRefused("GET /health HTTP/1.1\r\nHost: t\r\n" + line + "\r\n", "400");
    assertRefused(POST + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + line + "\r\n", "400");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\n", "\r", "\n\r\n", "\r\r\n"})
  void refusesLinesThatEndOddly(String before) throws IOException {
    assertRefused(before + "GET /health HTTP/1.1\r\nHost: t\r\n\r\n", "400");
    assertRefused("GET /health HTTP/1.1\r\nHost: t\r\n\n", "400");
    assertRefused("GET /health HTTP/1.1\nHost: t\n\n", "400");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "f ",
        " f",
        "f\t",
        "f\u0000",
        "f\u0001",
        "f\r",
        "f_f",
        "f,a",
        "0xf",
        "+f",
        "-1",
        "g",
        "",
        "000000000f",
        "fffffffff",
        "ffffffff",
        "f;",
        "f;;a",
        "f ;",
        "f;a=",
        "f;a=\"b",
        "f;a\u0000",
        "f;a=\u0001",
        "f;a b",
        "f;=b"
      })
  void refusesAChunkOfUnclearSize(String line) throws IOException {
    String rest = "\r\n" + BODY + "\r\n0\r\n\r\n";
    assertRefused(POST + "Transfer-Encoding: chunked\r\n\r\n" + line + rest, "400");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "f\n{\"messages\":[]}\r\n0\r\n\r\n",
        "f\r\n{\"messages\":[]}\n0\r\n\r\n",
        "e\r\n{\"messages\":[]}\r\n0\r\n\r\n",
        "f\r\n{\"messages\":[]}\r\n0\n\r\n"
      })
  void refusesChunksThatEndOddly(String chunks) throws IOException {
    assertRefused(POST + "Transfer-Encoding: chunked\r\n\r\n" + chunks, "400");
  }

  @ParameterizedTest
  @ValueSource(strings = {"f", "F", "0000000f", "f;a", "f;a=b", "f ; a = \"b;\\\"\" ;c"})
  void readsEveryGoodChunk(String line) throws IOException {
    assertServed(
        POST
            + "Transfer-Encoding: Chunked\r\n\r\n"
            + line
            + "\r\n"
            + BODY
            + "\r\n000;x\r\nX: y\r\n\r\n");
  }

  static Stream<Arguments> framings() {
    return Stream.of(
            "Content-Length: 15\r\nContent-Length: 15",
            "Content-Length: 15\r\nContent-Length: 16",
            "Content-Length: 15, 15",
            "Content-Length: +15",
            "Content-Length: -1",
            "Content-Length: 0xf",
            "Content-Length: 1 5",
            "Content-Length:",
            "Content-Length: 99999999999999999999",
            "Content-Length: 15\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: chunked;q=1",
            "Transfer-Encoding: \u000bchunked",
            "Transfer-Encoding:")
        .map(Arguments::of);
  }

  @ParameterizedTest
  @MethodSource("framings")
  void refusesABodyOfUnclearLength(String framing) throws IOException {
    assertRefused(POST + framing + "\r\n\r\n" + BODY, "400");
  }

  @Test
  void refusesChunksBeforeHttp11() throws IOException {
    String head = POST.replace("HTTP/1.1", "HTTP/1.0") + "Transfer-Encoding: chunked\r\n\r\n";
    assertRefused(head + "f\r\n" + BODY + "\r\n0\r\n\r\n", "400");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Expect: x", "Expect: 100-continue, x", "Expect: 100-continue\r\nExpect: x"})
  void meetsNoOtherExpectation(String expect) throws IOException {
    assertRefused(POST + expect + "\r\nContent-Length: 15\r\n\r\n" + BODY, "417");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"close", "Close", "keep-alive, close", "close, x", "x\r\nConnection: close"})
  void closesWhenToldSoAmongOtherOptions(String options) throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send("GET /health HTTP/1.1\r\nHost: t\r\nConnection: " + options + "\r\n\r\n");
      assertThat(client.readAll()).startsWith("HTTP/1.1 200 ").endsWith("}");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/health", "/nothing", "/v1/models", "*"})
  void datesEveryAnswer(String target) throws IOException {
    time.advance(Duration.ofDays(8).plusMillis(1_500));
    assertDated(target, "Wed, 02 Dec 2026 00:00:01 GMT");
    time.advance(Duration.ofMillis(500));
    assertDated(target, "Wed, 02 Dec 2026 00:00:02 GMT");
  }

  private void assertDated(String target, String date) throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send("GET " + target + " HTTP/1.1\r\nHost: t\r\n\r\n");
      assertThat(client.readUntil("\r\n\r\n")).containsOnlyOnce("date: " + date + "\r\n");
    }
  }

  @Test
  void datesStreamsAndAnswersOfModels() {
    for (var answer : new HttpResponse<?>[] {proxy.stream(), proxy.chat()}) {
      assertThat(answer.headers().allValues("date"))
          .containsExactly("Tue, 24 Nov 2026 00:00:00 GMT");
    }
  }

  private void assertServed(String request) throws IOException {
    try (var client = RawConnection.to(proxy.port()).send(request)) {
      assertThat(client.readUntil("}")).contains(" 200 OK");
    }
  }

  private void assertRefused(String request, String status) throws IOException {
    try (var client = RawConnection.to(proxy.port()).send(request)) {
      assertThat(client.readAll())
          .containsPattern("^HTTP/1\\.[01] " + status + " ")
          .containsIgnoringCase("connection: close")
          .contains("\"error\":{")
          .containsOnlyOnce("x-request-id");
    }
  }
}

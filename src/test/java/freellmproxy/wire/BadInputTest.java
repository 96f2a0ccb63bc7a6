package freellmproxy.wire;

import static freellmproxy.testing.RawConnection.chatHead;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.KEY;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract section 12: each gets a clear error or a clean close, and the next is served. */
final class BadInputTest {
  private static final String AUTH = "Authorization: Bearer " + KEY + "\r\n";
  private static final String POST = "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\n" + AUTH;
  private static final String GOOD = "{\"messages\":[]}";

  private final FakeTime time = new FakeTime();
  @AutoClose private final TestProxy proxy = TestProxy.startAt(time, "MAX_BODY_MB", "1");

  @AfterEach
  void nothingIsLeftAndTheNextRequestIsServed() {
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
    proxy.settledMetrics();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "``                                     | invalid_json    | null",
        "{\"messages\":[                        | invalid_json    | null",
        "{\"messages\":[]} x                    | invalid_json    | null",
        "{'messages':[]}                        | invalid_json    | null",
        "\"x\"                                  | invalid_request | null",
        "[]                                     | invalid_request | null",
        "7                                      | invalid_request | null",
        "{}                                     | invalid_request | messages",
        "{\"messages\":{}}                      | invalid_request | messages",
        "{\"messages\":null}                    | invalid_request | messages",
        "{\"messages\":\"hi\"}                  | invalid_request | messages",
        "{\"messages\":[],\"stream\":\"yes\"}   | invalid_request | stream",
        "{\"messages\":[],\"stream\":1}         | invalid_request | stream",
        "{\"seed\":1,\"seed\":1,\"seed\":1,\"seed\":1,\"seed\":1} | invalid_request | seed",
        "{\"messages\":[],\"tools\":{}}         | invalid_request | tools",
        "{\"messages\":[],\"tools\":\"all\"}    | invalid_request | tools",
      })
  void namesWhatIsWrongWithABody(String body, String code, String param) throws IOException {
    var answer = proxy.post(body);
    assertThat(answer.statusCode()).isEqualTo(400);
    JsonNode error = new ObjectMapper().readTree(answer.body()).path("error");
    assertThat(error.path("code").asText()).isEqualTo(code);
    assertThat(error.path("param").asText()).isEqualTo(param);
    assertThat(error.path("message").asText()).isNotBlank();
    assertThat(answer.headers().firstValue("x-should-retry")).hasValue("false");
    assertThat(proxy.sandbox().received()).isEmpty();
  }

  @Test
  void takesWhatIsNestedDeeplyAndRefusesWhatIsNestedTooDeeply() {
    assertThat(proxy.post(nested(100)).statusCode()).isEqualTo(200);
    assertThat(proxy.post(nested(100_000)).statusCode()).isEqualTo(400);
  }

  private static String nested(int levels) {
    return "{\"messages\":[" + "[".repeat(levels) + "]".repeat(levels) + "]}";
  }

  @Test
  void skipsAByteOrderMarkBeforeABody() {
    assertThat(proxy.post("\uFEFF{\"model\":\"x\",\"messages\":[]}").statusCode()).isEqualTo(200);
    assertThat(proxy.post("\uFEFF {\"messages\":[]}").statusCode()).isEqualTo(200);
    assertThat(proxy.sandbox().received())
        .extracting(request -> request.text().charAt(0))
        .containsExactly('{', ' ');
    assertThat(proxy.post("\uFEFF").statusCode()).isEqualTo(400);
    assertThat(proxy.post("\uFEFF\uFEFF{\"messages\":[]}").statusCode()).isEqualTo(400);
  }

  /** Cut off, too long a form, half of a surrogate pair, more than Unicode has. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\u00C3",
        "\u0080",
        "\u00C0\u0080",
        "\u00E0\u0080\u0080",
        "\u00ED\u00A0\u0080",
        "\u00F0\u0080\u0080\u0080",
        "\u00F4\u0090\u0080\u0080",
        "\u00F5\u0080\u0080\u0080"
      })
  void refusesBytesThatAreNoText(String bytes) {
    for (String body :
        List.of(
            "{\"messages\":[],\"m" + bytes + "\":1}",
            "{\"messages\":[{\"content\":\"Hello, " + bytes + ".\"}]}",
            "{\"messages\":[],\"model\":\"" + bytes + "\"}")) {
      var answer =
          proxy.send(
              proxy
                  .request("/v1/chat/completions")
                  .header("Authorization", "Bearer " + KEY)
                  .POST(BodyPublishers.ofByteArray(body.getBytes(ISO_8859_1))));
      assertThat(answer.statusCode()).isEqualTo(400);
      assertThat(answer.body()).contains("invalid_json");
    }
    assertThat(proxy.sandbox().received()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "br", "identity, gzip"})
  void refusesACompressedBodyAndSaysSo(String encoding) throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.chat("\u001f\u008b", "Content-Encoding: " + encoding);
      assertThat(client.readAll())
          .startsWith("HTTP/1.1 415 ")
          .containsIgnoringCase("accept-encoding: identity")
          .contains("unsupported_content_encoding", "Content-Encoding");
    }
    assertThat(proxy.settledMetrics()).contains("freellm_requests_total{status=\"415\"} 1.0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"identity", "Identity ", ""})
  void readsABodyThatOnlySaysItIsPlain(String encoding) throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.chat(GOOD, "Content-Encoding: " + encoding);
      assertThat(client.readUntil("fake OpenRouter")).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void refusesABodyByItsAnnouncedLengthBeforeReadingIt() throws IOException {
    try (var client = RawConnection.to(proxy.port()).send(chatHead(33L << 20))) {
      assertThat(client.readUntil("}}")).contains(" 413 ", "body_too_large", "MAX_BODY_MB");
    }
    try (var client =
        RawConnection.to(proxy.port()).send(chatHead(33L << 20, "Expect: 100-continue"))) {
      assertThat(client.readUntil("}}")).contains(" 413 ").doesNotContain("100 Continue");
    }
  }

  @Test
  void refusesAChunkedBodyWhenItHasBecomeTooLarge() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send(POST + "Transfer-Encoding: chunked\r\n\r\n");
      for (int i = 0; i < 17; i++) {
        client.send("10000\r\n" + "x".repeat(1 << 16) + "\r\n");
      }
      assertThat(client.readUntil("}}")).contains(" 413 ", "body_too_large");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        POST + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
        POST + "Content-Length: many\r\n\r\n{}",
        POST + "Content-Length: -5\r\n\r\n{}",
        POST + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        POST + "no colon\r\n\r\n",
        "NONSENSE\r\n\r\n",
        "\u0016\u0003\u0001 this is TLS\r\n\r\n",
      })
  void closesConnectionsThatDoNotSpeakHttp(String text) throws IOException {
    try (var client = RawConnection.to(proxy.port()).send(text)) {
      assertThat(client.readAll())
          .satisfiesAnyOf(
              answer -> assertThat(answer).contains(" 400 ", "\"code\""),
              answer -> assertThat(answer).isIn("", "<reset>"));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "xchunked",
        "gzip, chunked",
        "chunked, chunked",
        "chunked\r\nTransfer-Encoding: chunked"
      })
  void takesNoBodyOfUnknownLengthForTheNextRequest(String coding) throws IOException {
    String hidden =
        "POST /admin/refresh HTTP/1.1\r\nHost: t\r\n" + AUTH + "Content-Length: 0\r\n\r\n";
    try (var client = RawConnection.to(proxy.port())) {
      client.send(POST + "Transfer-Encoding: " + coding + "\r\n\r\n0\r\n\r\n" + hidden);
      assertThat(client.readAll())
          .startsWith("HTTP/1.1 400 ")
          .containsIgnoringCase("connection: close")
          .doesNotContain("fetched_at");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"xyz\r\n{}\r\n0\r\n\r\n", "-1\r\n{}", "2\r\n{}{}\r\n0\r\n\r\n"})
  void saysSoWhenABodyIsNotInChunks(String chunks) throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send(POST + "Transfer-Encoding: chunked\r\n\r\n" + chunks);
      assertThat(client.readAll()).startsWith("HTTP/1.1 400 ").contains("bad_request", "chunks");
    }
    assertThat(proxy.settledMetrics()).contains("freellm_requests_total{status=\"400\"} 1.0");
  }

  @Test
  void closesAStreamOfHttp10EvenWhereTheConnectionIsToStay() throws IOException {
    String body = "{\"stream\":true,\"messages\":[]}";
    try (var client = RawConnection.to(proxy.port())) {
      client.send(
          chatHead(body.length(), "Connection: keep-alive").replace("HTTP/1.1", "HTTP/1.0") + body);
      assertThat(client.readAll()).contains(" 200 OK").endsWith("data: [DONE]\n\n");
    }
  }

  @Test
  void takesAnEmptyKeyHeaderForNone() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.chat(GOOD, "x-api-key: ", "Connection: close");
      assertThat(client.readAll()).contains(" 200 OK");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /health HTTP/9.9\r\nHost: t\r\n\r\n",
        "GET /health http/1.1\r\nHost: t\r\n\r\n",
        "GET /health HTTP/2.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\n",
        "GET /health HTTP/2.1\r\nno colon\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      })
  void refusesAnotherVersionOfHttp(String text) throws IOException {
    try (var client = RawConnection.to(proxy.port()).send(text)) {
      assertThat(client.readAll())
          .startsWith("HTTP/1.1 505 ")
          .containsIgnoringCase("connection: close")
          .contains("unsupported_http_version")
          .containsOnlyOnce("x-request-id");
    }
  }

  @Test
  void limitsRequestLineAndHeaders() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send("GET /" + "x".repeat(20_000) + " HTTP/1.1\r\nHost: t\r\n\r\n");
      assertThat(client.readUntil("}}")).contains(" 414 ", "uri_too_long");
    }
    try (var client = RawConnection.to(proxy.port())) {
      client.send(POST + "X-Big: " + "x".repeat(100_000) + "\r\n\r\n");
      assertThat(client.readUntil("}}")).contains(" 431 ", "headers_too_large");
    }
  }

  /** The decoder has given up long before the end; a client that reads late must not be reset. */
  @ParameterizedTest
  @ValueSource(ints = {300_000, 2_000_000})
  void answersAClientThatReadsWhenItHasSentAllItsHeaders(int length) throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send(POST + "X-Big: " + "x".repeat(length) + "\r\n\r\n");
      assertThat(client.readAll())
          .startsWith("HTTP/1.1 431 ")
          .containsIgnoringCase("connection: close")
          .endsWith("}}");
    }
  }

  @ParameterizedTest
  @MethodSource("refused")
  void readsOnBehindWhatItRefusesWhileBytesCome(String request, String status) throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      assertThat(client.send(request).readAll()).contains(" " + status + " ", "}}");
      for (int second = 0; second < 29; second++) {
        long looks = time.looks();
        client.send("x");
        time.awaitLookAfter(looks);
        time.advance(Duration.ofSeconds(1));
      }
      time.advance(Duration.ofSeconds(1));
      assertThat(client.takesNoMore()).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("refused")
  void closesBehindWhatItRefusesWhenNothingComes(String request, String status) throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      assertThat(client.send(request).readAll()).contains(" " + status + " ", "}}");
      time.advance(Duration.ofSeconds(2));
      assertThat(client.takesNoMore()).isTrue();
    }
  }

  /** What makes it wrong comes last, so that nothing is left to be read behind the answer. */
  static Stream<Arguments> refused() {
    String chunked = POST + "Transfer-Encoding: chunked\r\n\r\n";
    return Stream.of(
        Arguments.of(chatHead(33L << 20), "413"),
        Arguments.of(chatHead(33L << 20, "Connection: close"), "413"),
        Arguments.of(chatHead(33L << 20).replace("HTTP/1.1", "HTTP/1.0"), "413"),
        Arguments.of(chunked + "100000\r\n" + "x".repeat(1 << 20) + "\r\n1\r\nx\r\n", "413"),
        Arguments.of(chatHead(100, "Content-Encoding: gzip"), "415"),
        Arguments.of(chatHead(100, "x-api-key: wrong", "Connection: close"), "403"),
        Arguments.of(chatHead(100).replace("/chat", "/chats").replace("/1.1", "/1.0"), "404"),
        Arguments.of(chunked + "xyz\r\n", "400"),
        Arguments.of(POST + "X-Big: " + "x".repeat((32 << 10) - POST.length() - 7), "431"),
        Arguments.of("GET /" + "x".repeat(8 << 10), "414"));
  }

  @Test
  void servesNothingBehindARequestThatItRefused() throws IOException {
    String refresh =
        "POST /admin/refresh HTTP/1.1\r\nHost: t\r\n" + AUTH + "Content-Length: 0\r\n\r\n";
    String odd = POST + "Transfer-Encoding: gzip\r\n\r\n";
    String bad = "GET /health HTTP/1.1\r\nno colon\r\n\r\n";
    String old = "GET /health HTTP/0.9\r\n\r\n";
    for (String request : List.of(odd, bad, old)) {
      for (String first : List.of("", chatHead(GOOD.length()) + GOOD)) {
        try (var client = RawConnection.to(proxy.port()).send(first + request + refresh)) {
          assertThat(client.readAll()).containsPattern(" (400|505) ").doesNotContain("fetched_at");
        }
      }
    }
    assertThat(TestProxy.await(proxy.proxy().readList()).generation()).isEqualTo(2);
  }

  @Test
  void answersHttp10AndCloses() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send(POST.replace("HTTP/1.1", "HTTP/1.0") + "Content-Length: 15\r\n\r\n" + GOOD);
      assertThat(client.readAll()).contains(" 200 OK", FIRST).endsWith("}");
    }
    try (var client = RawConnection.to(proxy.port())) {
      String body = "{\"stream\":true,\"messages\":[]}";
      client.send(
          POST.replace("HTTP/1.1", "HTTP/1.0")
              + "Content-Length: "
              + body.length()
              + "\r\n\r\n"
              + body);
      assertThat(client.readAll())
          .contains(" 200 OK")
          .doesNotContainIgnoringCase("transfer-encoding")
          .endsWith("data: [DONE]\n\n");
    }
  }

  @Test
  void answersPipelinedRequestsInOrder() throws IOException {
    String request = chatHead(GOOD.length()) + GOOD;
    String health = "GET /health HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    try (var client = RawConnection.to(proxy.port()).send(request + request + health)) {
      assertThat(client.readAll())
          .containsSubsequence("chat.completion", "chat.completion", "\"status\":\"ok\"");
    }
  }

  @Test
  void asksForTheBodyOfAClientThatWaitsForIt() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send(chatHead(GOOD.length(), "Expect: 100-continue"));
      assertThat(client.readUntil("\r\n\r\n")).contains("100 Continue");
      client.send(GOOD);
      assertThat(client.readUntil("fake OpenRouter")).contains(" 200 OK");
    }
  }

  @Test
  void sendsNoInterimAnswerToHttp10() throws IOException {
    String head = chatHead(GOOD.length(), "Expect: 100-continue").replace("HTTP/1.1", "HTTP/1.0");
    try (var client = RawConnection.to(proxy.port()).send(head + GOOD)) {
      assertThat(client.readAll()).contains(" 200 OK", FIRST).doesNotContain("100 Continue");
    }
  }

  @Test
  void servesAClientThatSendsByteByByte() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.socket().setTcpNoDelay(true);
      for (char letter : (chatHead(GOOD.length()) + GOOD).toCharArray()) {
        client.send(String.valueOf(letter));
        time.advance(Duration.ofMillis(100));
      }
      assertThat(client.readUntil("fake OpenRouter")).contains(" 200 OK");
    }
  }

  @Test
  void cutsASenderThatStopsInItsHead() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send(POST);
      assertThat(closesWithin(client, Duration.ofSeconds(90))).isTrue();
    }
  }

  @Test
  void cutsASenderThatStopsInItsBody() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send(chatHead(100) + "{");
      time.awaitTimerWithin(Duration.ofSeconds(30));
      assertThat(closesWithin(client, Duration.ofSeconds(60))).isTrue();
    }
  }

  @Test
  void cutsASenderThatStopsInTheBodyOfAPipelinedRequest() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send(chatHead(GOOD.length()) + GOOD + chatHead(100) + "{");
      assertThat(client.readUntil("fake OpenRouter")).contains(" 200 OK");
      time.awaitTimerWithin(Duration.ofSeconds(30));
      assertThat(closesWithin(client, Duration.ofSeconds(60))).isTrue();
    }
  }

  @Test
  void closesAConnectionThatNobodyUses() throws IOException {
    try (var client = RawConnection.to(proxy.port()).chat(GOOD)) {
      client.readUntil("fake OpenRouter");
      assertThat(closesWithin(client, Duration.ofMinutes(3))).isTrue();
    }
  }

  /** Moves time on in small steps until the proxy has closed, or there is no time left. */
  private boolean closesWithin(RawConnection client, Duration limit) throws IOException {
    client.socket().setSoTimeout(50);
    for (long second = 0; second < limit.toSeconds(); second++) {
      time.advance(Duration.ofSeconds(1));
      if (client.isClosedByPeer()) {
        return true;
      }
    }
    return false;
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.RawConnection.chatHead;
import static freellmproxy.testing.TestProxy.CHAT;
import static freellmproxy.testing.TestProxy.KEY;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract section 12: what has not come whole may be neither large nor slow. */
final class UnreadRequestLimitsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final String GET = "GET /health HTTP/1.1\r\nHost: t\r\n";
  private static final String CHUNKED =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer "
          + KEY
          + "\r\nTransfer-Encoding: chunked\r\n\r\n";
  private static final String LAST_CHUNK = CHUNKED + "f\r\n{\"messages\":[]}\r\n0\r\n";

  private final FakeTime time = new FakeTime();
  @AutoClose private final TestProxy proxy = TestProxy.startAt(time);

  @AfterEach
  void nothingIsLeftAndTheNextRequestIsServed() {
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
    proxy.settledMetrics();
  }

  @ParameterizedTest
  @CsvSource({"100, 200", "101, 431"})
  void takesAHundredHeaderLines(int lines, String status) throws IOException {
    assertAnswer("GET /health HTTP/1.1\r\nHost: t\r\n" + "a:\r\n".repeat(lines - 1), status);
    assertAnswer(LAST_CHUNK + "a:\r\n".repeat(lines), status);
  }

  @ParameterizedTest
  @CsvSource({"31000, 200", "32768, 431"})
  void takesSome32KilobytesOfHeaders(int length, String status) throws IOException {
    assertAnswer(GET + "a: " + "x".repeat(length) + "\r\n", status);
    assertAnswer(LAST_CHUNK + "a: " + "x".repeat(length) + "\r\n", status);
  }

  private void assertAnswer(String unfinished, String status) throws IOException {
    try (var client = RawConnection.to(proxy.port()).send(unfinished + "\r\n")) {
      assertThat(client.readUntil("}")).startsWith("HTTP/1.1 " + status);
    }
  }

  /** The end of the head is not waited for. */
  @ParameterizedTest
  @CsvSource({"33000, 1, 431", "3, 101, 431", "9000, 0, 414"})
  void refusesAHeadBeforeItsEnd(int length, int lines, String status) throws IOException {
    String line = "x:" + "y".repeat(length) + "\r\n";
    String head = lines == 0 ? "GET /" + "y".repeat(length) : GET + line.repeat(lines);
    try (var client = RawConnection.to(proxy.port()).send(head)) {
      assertThat(client.readAll())
          .startsWith("HTTP/1.1 " + status)
          .containsIgnoringCase("connection: close")
          .endsWith("}}");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"a:\\r\\n                | 101   | 431", "x | 33000 | 431"})
  void refusesTrailersBeforeTheirEnd(String piece, int times, String status) throws IOException {
    String trailers = piece.translateEscapes().repeat(times);
    try (var client = RawConnection.to(proxy.port()).send(LAST_CHUNK + trailers)) {
      assertThat(client.readAll()).startsWith("HTTP/1.1 " + status).endsWith("}}");
    }
  }

  @Test
  void refusesAChunkLineWithoutAnEnd() throws IOException {
    try (var client = RawConnection.to(proxy.port()).send(CHUNKED + "1;" + "x".repeat(2_000))) {
      assertThat(client.readAll()).startsWith("HTTP/1.1 400 ").contains("chunks");
    }
  }

  @Test
  void refusesEmptyLinesWithoutAnEnd() throws IOException {
    try (var client = RawConnection.to(proxy.port()).send("\r\n".repeat(9))) {
      assertThat(client.readAll()).startsWith("HTTP/1.1 400 ");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"G", "\r", "\r\n\r\nGET / HT", GET, GET + "X: y"})
  void givesAHeadHalfAMinuteHoweverItDrips(String begun) throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      awaitWatched(client);
      long timers = time.timersIn(PATIENCE);
      client.send(begun);
      time.awaitMoreTimersIn(PATIENCE, timers);
      for (int second = 1; second < 30; second++) {
        time.advance(SECOND);
        client.send(begun.equals("\r") ? "\n\r" : "x");
      }
      time.advance(SECOND);
      assertThat(client.readAll()).startsWith("HTTP/1.1 408 ").contains("request_timeout");
    }
  }

  static Stream<Arguments> drips() {
    return Stream.of(
        Arguments.of(chatHead(50_000) + "{", "x"),
        Arguments.of(CHUNKED + "1\r\n{\r\n", "1\r\n \r\n"),
        Arguments.of(CHUNKED + "1;", "a"),
        Arguments.of(LAST_CHUNK, "x"),
        Arguments.of(LAST_CHUNK, "a:\r\n"));
  }

  @ParameterizedTest
  @MethodSource("drips")
  void givesABodyWithItsTrailersHalfAMinuteHoweverItDrips(String begun, String drop)
      throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      awaitWatched(client);
      long timers = time.timersIn(PATIENCE);
      client.send(begun);
      time.awaitMoreTimersIn(PATIENCE, timers);
      for (int second = 1; second < 30; second++) {
        time.advance(SECOND);
        long looks = time.looks();
        client.send(drop);
        time.awaitLookAfter(looks);
      }
      // The last look may have been between two seconds.
      time.advance(SECOND.multipliedBy(2));
      assertThat(client.readAll()).startsWith("HTTP/1.1 408 ").contains("request_timeout", "KB");
    }
  }

  /** The connection's own timer is set then. */
  private static void awaitWatched(RawConnection client) throws IOException {
    client.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n").readUntil("}");
  }

  /** At 1 KB a second, like a phone's uplink on a bad day. */
  @Test
  void waitsForABodyThatComesSlowly() throws IOException {
    String body = "{\"messages\":[\"" + "x".repeat(60_000) + "\"]}";
    int piece = body.length() / 60 + 1;
    try (var client = RawConnection.to(proxy.port())) {
      awaitWatched(client);
      long timers = time.timersIn(PATIENCE);
      client.send(chatHead(body.length()));
      time.awaitMoreTimersIn(PATIENCE, timers);
      for (int at = 0; at < body.length(); at += piece) {
        long looks = time.looks();
        client.send(body.substring(at, Math.min(body.length(), at + piece)));
        time.awaitLookAfter(looks);
        time.advance(SECOND);
      }
      assertThat(client.readUntil("fake OpenRouter")).startsWith("HTTP/1.1 200 ");
    }
  }

  /** Nobody reads it any more: the answer came before. */
  @Test
  void closesUnderABodyThatDripsBehindItsAnswer() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send("POST /health HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n");
      assertThat(client.readUntil("}}")).startsWith("HTTP/1.1 405 ");
      long looks = time.looks();
      client.send("x");
      time.awaitLookAfter(looks);
      for (int second = 0; second < 60; second++) {
        client.send("x");
        time.advance(SECOND);
      }
      time.advance(PATIENCE);
      assertThat(client.takesNoMore()).isTrue();
    }
  }

  @Test
  void readsTheSameHoweverItIsCut() throws IOException {
    String chunked =
        CHUNKED
            + "5;a=b;c=\"d\\\"\"\r\n"
            + CHAT.substring(0, 5)
            + "\r\n"
            + Integer.toHexString(CHAT.length() - 5)
            + "\r\n"
            + CHAT.substring(5)
            + "\r\n0\r\nX: y\r\n\r\n";
    String all = "\r\n" + chunked + chatHead(CHAT.length()) + CHAT + chunked + GET + "\r\n";
    for (int piece : new int[] {1, 7, all.length()}) {
      try (var client = RawConnection.to(proxy.port())) {
        client.socket().setTcpNoDelay(true);
        for (int at = 0; at < all.length(); at += piece) {
          client.send(all.substring(at, Math.min(all.length(), at + piece)));
        }
        assertThat(client.readUntil("\"ok\""))
            .containsSubsequence("200 OK", "choices", "200 OK", "choices", "200 OK", "choices")
            .doesNotContain("error");
      }
    }
  }
}

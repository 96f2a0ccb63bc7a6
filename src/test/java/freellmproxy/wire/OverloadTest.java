package freellmproxy.wire;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Bodies that do not fit into memory are refused; nobody else notices. */
final class OverloadTest {
  private static final String CHUNKED =
      RawConnection.chatHead(0).replace("Content-Length: 0", "Transfer-Encoding: chunked");

  private final TestProxy upstream = TestProxy.start();
  private ProxyProcessUnderTest process;
  private int port;

  @BeforeEach
  void start() throws IOException {
    process =
        ProxyProcessUnderTest.start(
            ProxyProcessUnderTest.environment(
                upstream.sandbox(),
                "JDK_JAVA_OPTIONS",
                "-XX:MaxDirectMemorySize=24m -Xmx256m -XX:+UseSerialGC"));
    port = process.awaitEvent("started").path("port").asInt();
    process.awaitEvent("snapshot_refreshed");
  }

  @AfterEach
  void stop() throws IOException {
    assertThat(process.stop()).isZero();
    process.close();
    upstream.close();
  }

  @Test
  void refusesABodyForWhichThereIsNoMemory() throws IOException {
    String large = "{\"messages\":[\"" + "x".repeat(30 << 20) + "\"]}";
    assertThat(process.chat(port, large))
        .startsWith("HTTP/1.1 503 ")
        .contains("retry-after: 1", "\"code\":\"proxy_overloaded\"");
    assertThat(process.awaitEvent("request_rejected").path("reason").asText())
        .isEqualTo("proxy_overloaded");
    assertThat(process.chat(port, "{\"messages\":[]}")).startsWith("HTTP/1.1 200 ");
  }

  static Stream<String> unfinished() {
    return Stream.of("GET /health HTTP/1.1\r\nHost: t\r\n", CHUNKED + "0\r\n");
  }

  /** No key is needed to send them, so they may not take what bodies and answers need. */
  @ParameterizedTest
  @MethodSource("unfinished")
  void refusesUnfinishedHeadsAndTrailersForWhichThereIsNoMemory(String begun) throws IOException {
    List<RawConnection> senders = new ArrayList<>();
    try {
      for (int i = 0; i < 300; i++) {
        senders.add(RawConnection.to(port).send(begun + "X: " + "x".repeat(20_000)));
      }
      assertThat(process.chat(port, "{\"messages\":[]}")).startsWith("HTTP/1.1 200 ");
      List<String> answers = new ArrayList<>();
      for (RawConnection sender : senders) {
        // Whoever was not refused is gone with this.
        sender.socket().shutdownOutput();
        answers.add(sender.readAll());
      }
      assertThat(answers)
          .anyMatch(String::isEmpty)
          .anyMatch(answer -> answer.contains("proxy_overloaded"))
          .allMatch(answer -> answer.isEmpty() || answer.startsWith("HTTP/1.1 503 "));
    } finally {
      for (RawConnection sender : senders) {
        sender.close();
      }
    }
    try (var client = RawConnection.to(port).send(begun + "X: " + "x".repeat(20_000))) {
      assertThat(client.send("\r\n\r\n").readUntil("}")).doesNotContain("proxy_overloaded");
    }
  }

  /** A length that is announced takes memory before the bytes come. */
  @Test
  void refusesBodiesForWhichThereWillBeNoMemory() throws IOException {
    List<RawConnection> senders = new ArrayList<>();
    try {
      for (int i = 0; i < 60; i++) {
        senders.add(
            RawConnection.to(port).send(RawConnection.chatHead(900_000) + "x".repeat(5_000)));
      }
      assertThat(process.chat(port, "{\"messages\":[]}")).startsWith("HTTP/1.1 200 ");
      List<String> answers = new ArrayList<>();
      for (RawConnection sender : senders) {
        // Whoever was not refused is gone with this.
        sender.socket().shutdownOutput();
        answers.add(sender.readAll());
      }
      assertThat(answers)
          .anyMatch(answer -> answer.contains("proxy_overloaded"))
          .allMatch(answer -> answer.isEmpty() || answer.startsWith("HTTP/1.1 503 "));
    } finally {
      for (RawConnection sender : senders) {
        sender.close();
      }
    }
  }
}

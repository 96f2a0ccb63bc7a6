package freellmproxy.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Answers that do not fit into memory fail alone, whether their upstream or their client is what
 * they wait for: the process lives, no model is blamed, and the memory comes back.
 */
final class AnswerMemoryTest {
  private static final int HEAP_MB = 96;
  private static final int DIRECT_MB = 24;

  /** What a JVM needs besides: code, classes, threads, the compilers' own. */
  private static final int JVM_MB = 160;

  private static final String MEGABYTE = "x".repeat(1 << 20);
  private static final String PLAIN = "{\"messages\":[]}";
  private static final String STREAM = "{\"stream\":true,\"messages\":[]}";

  private final TestProxy upstream = TestProxy.start();
  private final List<RawConnection> clients = new ArrayList<>();
  private ProxyProcessUnderTest process;
  private int port;

  @BeforeEach
  void start() throws IOException {
    process =
        ProxyProcessUnderTest.start(
            ProxyProcessUnderTest.environment(
                upstream.sandbox(),
                "JDK_JAVA_OPTIONS",
                "-XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -Xmx%dm -XX:MaxDirectMemorySize=%dm"
                    .formatted(HEAP_MB, DIRECT_MB),
                "UPSTREAM_TIMEOUT_SEC",
                "300"));
    port = process.awaitEvent("started").path("port").asInt();
    process.awaitEvent("snapshot_refreshed");
  }

  @AfterEach
  void stop() throws IOException {
    leave();
    assertThat(process.peakMemory()).isLessThan((HEAP_MB + DIRECT_MB + JVM_MB) * (1L << 20));
    assertThat(process.stop()).isZero();
    assertThat(process.output()).doesNotContain("cooldown_until");
    process.close();
    upstream.close();
  }

  static Stream<Arguments> answersThatAreNotRead() {
    return Stream.of(
        Arguments.of(PLAIN, ChatAnswer.text(MEGABYTE)),
        Arguments.of(STREAM, ChatAnswer.text(MEGABYTE, MEGABYTE, MEGABYTE, MEGABYTE)),
        Arguments.of(PLAIN, Faults.error(400, MEGABYTE)));
  }

  @ParameterizedTest
  @MethodSource("answersThatAreNotRead")
  void takesNoMoreOfAnswersThatNobodyReadsThanThereIsMemoryFor(String request, Behaviour answer)
      throws IOException {
    upstream.sandbox().script(TestProxy.FIRST, answer);
    for (int i = 0; i < 150; i++) {
      clients.add(RawConnection.thatTakesLittle(port).chat(request));
    }
    assertThat(get("/health", "}")).startsWith("HTTP/1.1 200 ");
    leave();
    awaitRoom();
  }

  /** What has come of them waits for the rest. */
  @ParameterizedTest
  @CsvSource({
    "application/json, message, '}'",
    "text/event-stream, delta, ',\"finish_reason\":\"stop\"}'"
  })
  void takesNoMoreOfAnswersThatStopHalfWayThanThereIsMemoryFor(
      String type, String field, String end) throws IOException {
    boolean isStream = type.equals("text/event-stream");
    var gate = new Gate();
    String start = "{\"choices\":[{\"%s\":{\"content\":\"%s".formatted(field, MEGABYTE);
    upstream
        .sandbox()
        .script(
            TestProxy.FIRST,
            Behaviour.of(
                new Step.Head(200, Map.of("content-type", type)),
                write((isStream ? "data: " : "") + start),
                new Step.Hold(gate),
                write("\"}" + end + "]}" + (isStream ? "\n\ndata: [DONE]\n\n" : "")),
                new Step.End()));
    for (int i = 0; i < 40; i++) {
      clients.add(RawConnection.to(port).chat(isStream ? STREAM : PLAIN, "Connection: close"));
    }
    awaitRefused(30);
    gate.open();
    for (RawConnection client : clients) {
      String answer = client.readAll();
      assertThat(answer)
          .satisfiesAnyOf(
              whole -> assertThat(whole).startsWith("HTTP/1.1 200 ").contains(MEGABYTE),
              refused ->
                  assertThat(refused)
                      .startsWith("HTTP/1.1 503 ")
                      .contains("retry-after: 1", "\"code\":\"proxy_overloaded\""));
    }
    leave();
    awaitRoom();
  }

  private static Step write(String text) {
    return new Step.Write(text.getBytes(UTF_8));
  }

  private void awaitRefused(int count) throws IOException {
    Pattern counter = Pattern.compile("freellm_requests_total\\{status=\"503\"} (\\d+)");
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (System.nanoTime() < end) {
      Matcher refused = counter.matcher(get("/metrics", "freellm_snapshot_age_seconds "));
      if (refused.find() && Integer.parseInt(refused.group(1)) >= count) {
        return;
      }
    }
    throw new AssertionError("fewer than " + count + " were refused");
  }

  /** Without a key, up to this text. */
  private String get(String path, String last) throws IOException {
    try (var client = RawConnection.to(port)) {
      return client.send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n").readUntil(last);
    }
  }

  private void leave() throws IOException {
    for (RawConnection client : clients) {
      client.close();
    }
    clients.clear();
  }

  /** A request is served by the first model again, once the proxy has seen the others leave. */
  private void awaitRoom() throws IOException {
    upstream.sandbox().script(TestProxy.FIRST, ChatAnswer.standard());
    String answer = process.chat(port, PLAIN);
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (answer.contains("proxy_overloaded") && System.nanoTime() < end) {
      answer = process.chat(port, PLAIN);
    }
    assertThat(answer)
        .startsWith("HTTP/1.1 200 ")
        .contains("x-free-llm-proxy-model: " + TestProxy.FIRST);
  }
}

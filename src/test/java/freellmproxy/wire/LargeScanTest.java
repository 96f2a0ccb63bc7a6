package freellmproxy.wire;

import static freellmproxy.testing.RawConnection.chatHead;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.http.LargeBodies;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import freellmproxy.time.VertxTime;
import io.netty.buffer.PooledByteBufAllocator;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Decision 0026: what large bodies cost is not paid by those who are served beside them. */
final class LargeScanTest {
  private static final int MB = 1 << 20;

  /** Enough for each event loop to have some of them. */
  private static final int OTHERS = 10 * Runtime.getRuntime().availableProcessors();

  private static final String LARGE = "{\"messages\":[\"" + "x".repeat(MB) + "\"]}";

  private final Vertx vertx = ProxyVertx.create();

  @AutoClose
  private final TestProxy proxy =
      TestProxy.start(
          vertx,
          new VertxTime(vertx),
          SandboxUpstream.Options.FOR_TESTS,
          sandbox -> new String[] {"MAX_BODY_MB", "8"});

  @Test
  void everyEventLoopServesOthersWhileALargeBodyIsScanned() throws Exception {
    CountDownLatch gate = holdScans();
    try (var large = RawConnection.to(proxy.port()).chat(LARGE, "Connection: close")) {
      serveOthers();
      assertThat(proxy.sandbox().received())
          .hasSize(OTHERS)
          .allSatisfy(request -> assertThat(request.text()).hasSizeLessThan(MB));
      gate.countDown();
      assertThat(large.readAll()).contains(" 200 OK", "fake OpenRouter");
    }
    assertThat(proxy.sandbox().received().getLast().text()).endsWith(LARGE.substring(1));
  }

  /** What comes on the connection behind it has to wait, as behind any other request. */
  @Test
  void aRequestBehindALargeOneIsAnsweredAfterIt() throws Exception {
    CountDownLatch gate = holdScans();
    String bad = "{\"messages\":[\"" + "x".repeat(MB) + "\"";
    String small = "{\"messages\":[]}";
    try (var client = RawConnection.to(proxy.port())) {
      client.send(chatHead(bad.length()) + bad + chatHead(small.length(), "Connection: close"));
      client.send(small);
      serveOthers();
      gate.countDown();
      assertThat(client.readAll())
          .containsSubsequence(" 400 ", "invalid_json", " 200 OK", "fake OpenRouter");
    }
  }

  @Test
  void aLargeBodyWhoseClientHasGoneIsNotScannedAndGivenBack() throws Exception {
    proxy.chat();
    long before = settled(Long.MAX_VALUE);
    CountDownLatch gate = holdScans();
    try (var large = RawConnection.to(proxy.port()).chat(LARGE)) {
      serveOthers();
      large.socket().setSoLinger(true, 0);
    }
    serveOthers();
    gate.countDown();
    assertThat(settled(before + MB / 2)).isLessThan(before + MB / 2);
    assertThat(proxy.sandbox().received()).hasSize(1 + 2 * OTHERS);
    assertThat(proxy.settledMetrics()).contains("freellm_inflight_requests 0.0");
  }

  /** Each would take long, or much of the heap, if it were read without care. */
  static Stream<Arguments> worst() {
    String start = "{\"messages\":[],";
    return Stream.of(
        worst("one routed field", start + fill("\"model\":1,") + "\"z\":1}", 400),
        worst("unknown fields", start + fill("\"a\":1,") + "\"z\":1}", 200),
        worst("escaped fields", start + fill("\"\\u0061\":1,") + "\"z\":1}", 200),
        worst("numbers", start + "\"a\":[" + fill("1,") + "1]}", 200),
        worst(
            "depth",
            start + fill("\"a\":" + "[".repeat(900) + "]".repeat(900) + ",") + "\"z\":1}",
            200),
        worst("escapes", "{\"messages\":[\"" + fill("\\\\") + "\"]}", 200),
        worst("names in messages", "{\"messages\":[{" + fill("\"\\u0069\":1,") + "\"z\":1}]}", 200),
        worst("tools", start + "\"tools\":[" + fill("{},") + "{}]}", 200),
        worst("types of a tool", start + "\"tools\":[{" + fill("\"type\":7,") + "\"z\":1}]}", 200),
        worst("plugins", start + "\"plugins\":[" + fill("{\"id\":\"a\"},") + "{}]}", 200),
        worst("a number", start + "\"a\":" + fill("1") + "}", 200),
        worst("a name", start + "\"" + fill("\\u006d") + "\":1}", 200),
        worst("a model", start + "\"model\":\"" + fill("\\ud83d") + "\"}", 200),
        worst("a choice", start + "\"tool_choice\":\"" + fill("\\u0416") + "\"}", 200),
        worst("white space", fill(" "), 400),
        worst("no end", "{\"messages\":[\"" + fill("x"), 400));
  }

  private static Arguments worst(String name, String body, int status) {
    return Arguments.of(name, body, status);
  }

  private static String fill(String unit) {
    return unit.repeat(2 * MB / unit.length());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("worst")
  void answersTheWorstBodies(String name, String body, int status) {
    assertThat(proxy.post(body).statusCode()).isEqualTo(status);
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
  }

  /** The heap has to hold a copy while a body is scanned, and all else too. */
  @Test
  void refusesABodyThatWouldFillTheHeap() throws IOException {
    try (var upstream = TestProxy.start()) {
      var environment =
          ProxyProcessUnderTest.environment(
              upstream.sandbox(),
              "MAX_BODY_MB",
              "100",
              "JAVA_TOOL_OPTIONS",
              "-Xmx64m -XX:+UseSerialGC -XX:MaxDirectMemorySize=300m -XX:+ExitOnOutOfMemoryError");
      try (var process = ProxyProcessUnderTest.start(environment)) {
        int port = process.awaitEvent("started").path("port").asInt();
        process.awaitEvent("snapshot_refreshed");
        String large = "{\"messages\":[\"" + "x".repeat(12 * MB) + "\"]}";
        for (int i = 0; i < 4; i++) {
          assertThat(process.chat(port, large)).contains(" 200 OK", "fake OpenRouter");
        }
        try (var client = RawConnection.to(port).send(chatHead(20 * MB))) {
          assertThat(client.readUntil("}}")).contains(" 413 ", "body_too_large", "JAVA_OPTS=-Xmx");
        }
        assertThat(process.chat(port, TestProxy.CHAT)).contains(" 200 OK", "fake OpenRouter");
      }
    }
  }

  /** Keeps the thread of the large bodies busy until the latch is counted down. */
  private CountDownLatch holdScans() throws InterruptedException {
    var held = new CountDownLatch(1);
    var gate = new CountDownLatch(1);
    var _ =
        vertx
            .createSharedWorkerExecutor(LargeBodies.THREAD, 1)
            .executeBlocking(() -> {
              held.countDown();
              gate.await();
              return true;
            });
    held.await();
    return gate;
  }

  /** Chats on connections of their own, so that every event loop is asked. */
  private void serveOthers() throws IOException {
    List<RawConnection> others = new ArrayList<>();
    try {
      for (int i = 0; i < OTHERS; i++) {
        others.add(RawConnection.to(proxy.port()).chat(TestProxy.CHAT));
      }
      for (RawConnection other : others) {
        assertThat(other.readUntil("fake OpenRouter")).contains(" 200 OK");
      }
    } finally {
      for (RawConnection other : others) {
        other.close();
      }
    }
  }

  /** Bytes that somebody holds outside the heap, once they are fewer than this. */
  private long settled(long enough) {
    return IntStream.range(0, 2_000)
        .mapToLong(round -> {
          proxy.get("/health");
          return PooledByteBufAllocator.DEFAULT.pinnedDirectMemory();
        })
        .filter(held -> held < enough)
        .findFirst()
        .orElse(Long.MAX_VALUE);
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.Events;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Bodies are kept outside the heap, where no collector finds them: however a request ends, its body
 * goes.
 */
final class BodyMemoryTest {
  private static final String TEXT = "x".repeat(60_000);
  private static final String PLAIN = "{\"messages\":[\"" + TEXT + "\"]}";
  private static final String STREAM = "{\"stream\":true,\"messages\":[\"" + TEXT + "\"]}";

  /** What the connections of a test's own client may need meanwhile. */
  private static final long LESS_THAN_A_BODY = 30_000;

  @AutoClose
  private final TestProxy proxy = TestProxy.start("MAX_BODY_MB", "1", "UPSTREAM_TIMEOUT_SEC", "1");

  interface Ending {
    void play(TestProxy proxy) throws IOException;
  }

  @BeforeEach
  void warmUp() {
    proxy.chat();
  }

  static Stream<Arguments> endings() {
    return Stream.of(
        ending("answered", proxy -> proxy.post(PLAIN)),
        ending("streamed", proxy -> proxy.post(STREAM)),
        ending(
            "on a connection used before",
            proxy -> {
              proxy.post(PLAIN);
              proxy.post(PLAIN);
            }),
        ending(
            "read at once on a connection used before",
            proxy -> {
              try (var client = RawConnection.to(proxy.port())) {
                for (int turn = 0; turn < 3; turn++) {
                  client.send(RawConnection.chatHead(PLAIN.length()) + PLAIN);
                  assertThat(client.readUntil("}}")).contains("200 OK", "fake OpenRouter");
                }
              }
            }),
        ending("large", proxy -> proxy.post(PLAIN.replace(TEXT, TEXT.repeat(10)))),
        ending("large and not JSON", proxy -> proxy.post("{" + TEXT.repeat(10))),
        ending("large and no chat request", proxy -> proxy.post("[\"" + TEXT.repeat(10) + "\"]")),
        ending("not JSON", proxy -> proxy.post(PLAIN + "}")),
        ending(
            "no chat request", proxy -> proxy.post("{\"messages\":7,\"text\":\"" + TEXT + "\"}")),
        ending(
            "no model can",
            proxy -> {
              proxy
                  .sandbox()
                  .scriptList(Faults.status(200, "[{\"id\":\"a:free\",\"supportsTools\":false}]"));
              proxy.refresh();
              proxy.post("{\"tools\":[{}],\"messages\":[\"" + TEXT + "\"]}");
            }),
        ending(
            "too large",
            proxy -> {
              try (var client = RawConnection.to(proxy.port())) {
                client.send(
                    RawConnection.chatHead(900_000)
                        .replace("Content-Length: 900000", "Transfer-Encoding: chunked"));
                client.send(
                    "c8000\r\n"
                        + "x".repeat(0xc8000)
                        + "\r\n40000\r\n"
                        + "x".repeat(0x40000)
                        + "\r\n");
                assertThat(client.readUntil("\r\n\r\n")).contains("413");
              }
            }),
        ending(
            "client gone while it sent",
            proxy -> {
              try (var client = RawConnection.to(proxy.port())) {
                client.send(RawConnection.chatHead(PLAIN.length()) + PLAIN.substring(0, 50_000));
                proxy.get("/health");
              }
            }),
        ending(
            "client gone after its head",
            proxy -> {
              try (var client = RawConnection.to(proxy.port())) {
                client.send(RawConnection.chatHead(PLAIN.length(), "Expect: 100-continue"));
                client.readUntil("\r\n\r\n");
              }
            }),
        ending(
            "client gone while it waited",
            proxy -> {
              proxy.sandbox().script(FIRST, Faults.silence());
              try (var client = RawConnection.to(proxy.port()).chat(PLAIN)) {
                proxy.awaitReceived(2);
                client.socket().setSoLinger(true, 0);
              }
            }),
        ending(
            "refused by two, answered by the third",
            proxy -> {
              proxy.sandbox().script(FIRST, Faults.error(429, "slow down"));
              proxy.sandbox().script(SECOND, Faults.reset());
              assertThat(proxy.post(PLAIN).statusCode()).isEqualTo(200);
            }),
        ending(
            "too slow once",
            proxy -> {
              proxy.sandbox().script(FIRST, Faults.silence());
              assertThat(proxy.post(STREAM).statusCode()).isEqualTo(200);
            }),
        ending(
            "refused by all",
            proxy -> {
              proxy.sandbox().scriptOthers(Faults.hangUp());
              assertThat(proxy.post(PLAIN).statusCode()).isEqualTo(503);
            }),
        ending(
            "refused as it is",
            proxy -> {
              proxy.sandbox().scriptOthers(Faults.error(409, "no"));
              assertThat(proxy.post(PLAIN).statusCode()).isEqualTo(409);
            }),
        ending(
            "broken in the middle",
            proxy -> {
              proxy
                  .sandbox()
                  .script(FIRST, ChatAnswer.text("a", "b", "c").upTo(3, new Step.Reset()));
              assertThat(proxy.post(STREAM).body()).contains("stream_interrupted");
            }),
        ending(
            "two at once on one connection",
            proxy -> {
              try (var client = RawConnection.to(proxy.port())) {
                String one = RawConnection.chatHead(PLAIN.length()) + PLAIN;
                client.send(one + one);
                client.readUntil("}}");
                assertThat(client.readUntil("}}")).contains("200 OK", "fake OpenRouter");
              }
            }),
        ending(
            "interrupted at the end",
            proxy -> {
              proxy
                  .sandbox()
                  .script(
                      FIRST,
                      Faults.stream(Events.ROLE, Events.content("half")).upTo(2, new Step.Stall()));
              try (var client = RawConnection.to(proxy.port()).chat(STREAM)) {
                client.readUntil("half");
              }
            }));
  }

  private static Arguments ending(String name, Ending ending) {
    return Arguments.of(name, ending);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("endings")
  void isGivenBack(String name, Ending ending) throws IOException {
    long before = settled(Long.MAX_VALUE);
    ending.play(proxy);
    assertThat(settled(before + LESS_THAN_A_BODY)).isLessThan(before + LESS_THAN_A_BODY);
  }

  /**
   * A stream may last for an hour, and its request is not needed once it has begun, nor by what
   * came behind it.
   */
  @ParameterizedTest
  @ValueSource(strings = {"", "P"})
  void isGivenBackWhenAStreamBegins(String behind) throws IOException {
    proxy
        .sandbox()
        .script(
            FIRST, Faults.stream(Events.ROLE, Events.content("half")).upTo(2, new Step.Stall()));
    long before = settled(Long.MAX_VALUE);
    String request = RawConnection.chatHead(STREAM.length()) + STREAM + behind;
    try (var client = RawConnection.to(proxy.port()).send(request)) {
      client.readUntil("half");
      assertThat(settled(before + LESS_THAN_A_BODY)).isLessThan(before + LESS_THAN_A_BODY);
    }
  }

  /** A request is read to a buffer for one that is as large as the one before. */
  @Test
  void aSmallBodyKeepsNoBufferForALargeOne() throws IOException {
    String small = PLAIN.replace(TEXT, "x".repeat(5_000));
    try (var patient = TestProxy.startAt(new FakeTime())) {
      patient.chat();
      long before = settled(Long.MAX_VALUE);
      try (var client = RawConnection.to(patient.port())) {
        client.send(RawConnection.chatHead(PLAIN.length()) + PLAIN).readUntil("}}");
        patient.sandbox().script(FIRST, Faults.silence());
        int received = patient.sandbox().received().size();
        client.send(RawConnection.chatHead(small.length()) + small);
        patient.awaitReceived(received + 1);
        assertThat(settled(before + LESS_THAN_A_BODY)).isLessThan(before + LESS_THAN_A_BODY);
      }
    }
  }

  /** There a body waits in the connection until the upstream has room for it. */
  @Test
  void isGivenBackOverHttp2(@TempDir Path folder) throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    String large = PLAIN.replace(TEXT, TEXT.repeat(10));
    try (var overTls =
        TestProxy.start(
            new SandboxUpstream.Options(0, SandboxUpstream.Recording.ON, certificate.key()),
            sandbox -> new String[] {"SSL_CERT_FILE", certificate.pem().toString()})) {
      overTls.chat();
      long before = settled(Long.MAX_VALUE);
      assertThat(overTls.post(large).statusCode()).isEqualTo(200);
      overTls.sandbox().script(FIRST, Faults.reset());
      assertThat(overTls.post(large).headers().firstValue("x-free-llm-proxy-model"))
          .hasValue(SECOND);
      overTls.sandbox().script(SECOND, Faults.silence());
      for (int client = 0; client < 5; client++) {
        try (var gone = RawConnection.to(overTls.port()).chat(large)) {
          gone.socket().setSoLinger(true, 0);
        }
      }
      assertThat(settled(before + LESS_THAN_A_BODY)).isLessThan(before + LESS_THAN_A_BODY);
    }
  }

  /** Bytes that somebody holds, once they are fewer than this or do not become fewer. */
  private long settled(long enough) {
    long held = Long.MAX_VALUE;
    for (int round = 0; round < 2_000 && held >= enough; round++) {
      proxy.get("/health");
      held = PooledByteBufAllocator.DEFAULT.pinnedDirectMemory();
    }
    return held;
  }
}

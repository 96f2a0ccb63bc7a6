package freellmproxy.wire;

import static freellmproxy.testing.Events.DONE;
import static freellmproxy.testing.Events.ROLE;
import static freellmproxy.testing.Events.STOP;
import static freellmproxy.testing.Events.USAGE;
import static freellmproxy.testing.Events.content;
import static freellmproxy.testing.Events.delta;
import static freellmproxy.testing.Events.error;
import static freellmproxy.testing.Events.event;
import static freellmproxy.testing.Events.finish;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract section 6. */
final class StreamTest {
  /** Each of 20 KB: more than the buffers of a connection hold. */
  private static final int MANY_EVENTS = 300;

  private static final String REQUEST = "{\"stream\":true,\"messages\":[]}";

  private static final String NAMED_ERROR =
      "event: error\ndata: {\"code\":429,\"message\":\"slow down\"}\n\n";
  private static final String TEXT_ERROR = "event: error\ndata: overloaded\n\n";

  private final FakeTime time = new FakeTime();

  @AutoClose
  private final TestProxy proxy =
      TestProxy.startAt(time, "STREAM_IDLE_TIMEOUT_SEC", "20", "STREAM_KEEPALIVE_SEC", "8");

  @Test
  void sendsAnEventStreamThatNobodyOnTheWayHoldsBack() {
    HttpResponse<String> answer = proxy.stream();
    assertThat(answer.headers().firstValue("content-type")).hasValue("text/event-stream");
    assertThat(answer.headers().firstValue("cache-control")).hasValue("no-cache, no-store");
    assertThat(answer.headers().firstValue("x-accel-buffering")).hasValue("no");
    assertThat(answer.headers().firstValue("x-free-llm-proxy-model")).hasValue(FIRST);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"content\":\"a\"}",
        "{\"reasoning\":\"a\"}",
        "{\"reasoning_content\":\"a\"}",
        "{\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"a\"}]}",
        "{\"refusal\":\"no\"}",
        "{\"audio\":{\"data\":\"AAAA\"}}",
        "{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\"}}]}"
      })
  void commitsAtTheFirstUsefulEvent(String useful) {
    proxy.sandbox().script(FIRST, Faults.stream(ROLE, delta(useful), finish("length"), DONE));
    assertThat(proxy.stream().body()).isEqualTo(ROLE + delta(useful) + finish("length") + DONE);
    proxy.sandbox().script(FIRST, Faults.stream(ROLE, delta(useful), error(502), DONE));
    HttpResponse<String> broken = proxy.stream();
    assertThat(broken.headers().firstValue("x-free-llm-proxy-model")).hasValue(FIRST);
    assertBrokenAfter(ROLE + delta(useful), broken.body());
  }

  static Stream<Arguments> failuresBeforeTheFirstUsefulEvent() {
    return Stream.of(
        Arguments.of("error first", Faults.stream(error(429), DONE)),
        Arguments.of("error without choices", Faults.stream(event("{\"error\":{\"code\":502}}"))),
        Arguments.of("error by name", Faults.stream(NAMED_ERROR, DONE)),
        Arguments.of("error by name, then content", Faults.stream(TEXT_ERROR, content("a"), STOP)),
        Arguments.of("role, then error", Faults.stream(ROLE, error(502), DONE)),
        Arguments.of("role, then FIN", Faults.stream(ROLE).upTo(1, new Step.Fin())),
        Arguments.of("role, then RST", Faults.stream(ROLE).upTo(1, new Step.Reset())),
        Arguments.of("role, then end", Faults.stream(ROLE)),
        Arguments.of("role, then [DONE]", Faults.stream(ROLE, DONE)),
        Arguments.of("finish without content", Faults.stream(ROLE, STOP, DONE)),
        Arguments.of("finish_reason error", Faults.stream(ROLE, finish("error"), DONE)),
        Arguments.of("nothing", Faults.stream()),
        Arguments.of("comments only", Faults.stream(": OPENROUTER PROCESSING\n\n")),
        Arguments.of("garbage events", Faults.stream("data: <html>\n\n", "data: 7\n\n")),
        Arguments.of(
            "a JSON answer",
            Faults.status(200, "{\"choices\":[{\"message\":{\"content\":\"hello\"}}]}")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("failuresBeforeTheFirstUsefulEvent")
  void hidesEveryFailureBeforeTheFirstUsefulEvent(String name, Behaviour failure) {
    proxy.sandbox().script(FIRST, failure);
    HttpResponse<String> answer = proxy.stream();
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-free-llm-proxy-model")).hasValue(SECOND);
    assertThat(answer.body())
        .contains("fake OpenRouter")
        .doesNotContain("error", "OPENROUTER PROCESSING", "gen-1")
        .endsWith(DONE);
  }

  static Stream<Arguments> breaksAfterTheCommit() {
    Behaviour good = Faults.stream(ROLE, content("a"), content("b"), STOP, DONE);
    return Stream.of(
        Arguments.of("error event", Faults.stream(ROLE, content("a"), error(502), DONE)),
        Arguments.of("error by name", Faults.stream(ROLE, content("a"), NAMED_ERROR)),
        Arguments.of("error by name, text", Faults.stream(ROLE, content("a"), TEXT_ERROR, DONE)),
        Arguments.of("error event, cut", Faults.stream(ROLE, content("a"), error(502))),
        Arguments.of(
            "a bad event",
            Faults.stream(ROLE, content("a"), "data: {\"choices\":[\n\n", STOP, DONE)),
        Arguments.of("FIN", good.upTo(2, new Step.Fin())),
        Arguments.of("RST", good.upTo(2, new Step.Reset())),
        Arguments.of("end without a finish", good.upTo(2, new Step.End())),
        Arguments.of(
            "finish_reason error", Faults.stream(ROLE, content("a"), finish("error"), DONE)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("breaksAfterTheCommit")
  void saysOnceThatACommittedStreamBrokeAndLetsTheModelRest(String name, Behaviour failure) {
    proxy.sandbox().script(FIRST, failure);
    assertBrokenAfter(ROLE + content("a"), proxy.stream().body());
    assertThat(proxy.stream().headers().firstValue("x-free-llm-proxy-model")).hasValue(SECOND);
    assertThat(proxy.settledMetrics())
        .contains("freellm_requests_total{status=\"200/mid_error\"} 1.0");
  }

  private static void assertBrokenAfter(String sent, String body) {
    assertThat(body).startsWith(sent + "data: {\"error\":{").endsWith("\n\n" + DONE);
    assertThat(body.substring(sent.length()))
        .containsOnlyOnce("\"error\":")
        .containsOnlyOnce("[DONE]")
        .contains("\"type\":\"server_error\"")
        .contains("\"code\":\"stream_interrupted\"");
  }

  static Stream<Arguments> completeStreams() {
    String text = ROLE + content("a");
    return Stream.of(
        Arguments.of("no [DONE]", Faults.stream(ROLE, content("a"), STOP), text + STOP + DONE),
        Arguments.of(
            "no [DONE], RST",
            Faults.stream(ROLE, content("a"), STOP).upTo(3, new Step.Reset()),
            text + STOP + DONE),
        Arguments.of(
            "[DONE] without a blank line",
            Faults.stream(ROLE, content("a"), STOP, "data: [DONE]"),
            text + STOP + DONE),
        Arguments.of(
            "two [DONE]", Faults.stream(ROLE, content("a"), STOP, DONE, DONE), text + STOP + DONE),
        Arguments.of(
            "events after [DONE]",
            Faults.stream(ROLE, content("a"), STOP, DONE, content("late")),
            text + STOP + DONE),
        Arguments.of(
            "two finish chunks and usage",
            Faults.stream(ROLE, content("a"), STOP, STOP, USAGE, DONE),
            text + STOP + USAGE + DONE),
        Arguments.of(
            "length",
            Faults.stream(ROLE, content("a"), finish("length"), DONE),
            text + finish("length") + DONE),
        Arguments.of(
            "comments",
            Faults.stream(": a\n\n", ROLE, ": b\n\n", content("a"), ": c\n\n", STOP, ":\n\n", DONE),
            text + STOP + DONE),
        Arguments.of(
            "CRLF and a BOM",
            Faults.stream("\uFEFF" + (ROLE + content("a") + STOP + DONE).replace("\n", "\r\n")),
            text + STOP + DONE),
        Arguments.of(
            "CR, and no space after the colon",
            Faults.stream(
                (ROLE + content("a") + STOP + DONE).replace("\n", "\r").replace(": {", ":{")),
            text + STOP + DONE));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("completeStreams")
  void endsACompleteStreamWithExactlyOneEndMarker(String name, Behaviour upstream, String body) {
    proxy.sandbox().script(FIRST, upstream);
    assertThat(proxy.stream().body()).isEqualTo(body);
  }

  @Test
  void forwardsEventsThatAreCutInsideACharacter() {
    String text = ROLE + content("трансформер 🚀") + STOP + DONE;
    for (int size : new int[] {1, 2, 3, 7}) {
      proxy.sandbox().script(FIRST, Faults.stream(text).inPiecesOf(size));
      assertThat(proxy.stream().body()).isEqualTo(text);
    }
  }

  @Test
  void forwardsAnEventOfTenMegabytes() {
    String text = ROLE + content("x".repeat(10 << 20)) + STOP + DONE;
    proxy.sandbox().script(FIRST, Faults.stream(text));
    assertThat(proxy.stream().body()).isEqualTo(text);
  }

  @Test
  void keepsToolCallDeltasInOrder() {
    proxy
        .sandbox()
        .script(
            FIRST,
            ChatAnswer.empty()
                .thenToolCall("call_1", "write_file", "{\"path\":", "\"a\"}")
                .thenToolCall("call_2", "read_file", "{}"));
    String body = proxy.stream().body();
    assertThat(body)
        .containsSubsequence(
            "call_1", "write_file", "{\\\"path\\\":", "\\\"a\\\"}", "call_2", "read_file")
        .contains("\"finish_reason\":\"tool_calls\"");
  }

  @Test
  void sendsEachEventWhenItComes() throws IOException {
    var gate = new Gate();
    proxy
        .sandbox()
        .script(
            FIRST,
            Faults.stream(ROLE, content("first"), content("second"), STOP, DONE)
                .insert(2, new Step.Hold(gate)));
    try (var client = RawConnection.to(proxy.port()).chat(REQUEST)) {
      assertThat(client.readUntil("first")).doesNotContain("second");
      gate.open();
      assertThat(client.readUntil("[DONE]")).contains("second");
    }
  }

  @Test
  void sendsCommentsWhileACommittedStreamIsSilent() throws IOException {
    var gate = new Gate();
    proxy
        .sandbox()
        .script(
            FIRST,
            Faults.stream(ROLE, content("first"), content("second"), STOP, DONE)
                .insert(2, new Step.Hold(gate)));
    try (var client = RawConnection.to(proxy.port()).chat(REQUEST)) {
      client.readUntil("first");
      time.awaitTimerWithin(Duration.ofSeconds(8));
      time.advance(Duration.ofSeconds(8));
      assertThat(client.readUntil(": keep-alive\n\n")).contains(": keep-alive");
      gate.open();
      assertThat(client.readUntil("[DONE]")).contains("second").doesNotContain("keep-alive");
    }
  }

  /**
   * Each of these is what some agent goes by when it decides whether to go on by itself ({@code
   * docs/clients.md}).
   */
  @Test
  void saysThatItBrokeInWordsAfterWhichAgentsGoOn() {
    proxy.sandbox().script(FIRST, Faults.stream(ROLE, content("a")).upTo(2, new Step.Fin()));
    String body = proxy.stream().body();
    String frame = body.substring(body.indexOf("data: {\"error\""), body.length() - DONE.length());
    assertThat(frame)
        .contains("\"message\":\"502 server error: The model " + FIRST)
        .contains("\"type\":\"server_error\",\"code\":\"stream_interrupted\",\"param\":null}")
        .contains("\"object\":\"chat.completion.chunk\",\"model\":\"" + FIRST)
        .endsWith(
            "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n");
  }

  @Test
  void endsACommittedStreamThatStalls() throws IOException {
    proxy.sandbox().script(FIRST, Faults.stream(ROLE, content("a")).upTo(2, new Step.Stall()));
    try (var client = RawConnection.to(proxy.port()).chat(REQUEST)) {
      client.readUntil("\"a\"");
      time.awaitTimerWithin(Duration.ofSeconds(8));
      time.advance(Duration.ofSeconds(20));
      assertThat(client.readUntil("[DONE]"))
          .contains("stream_stalled")
          .containsOnlyOnce("\"error\":");
    }
    TestProxy.await(proxy.sandbox().received().getLast().aborted());
  }

  @Test
  void completesAStreamThatStallsAfterItsFinish() throws IOException {
    proxy
        .sandbox()
        .script(FIRST, Faults.stream(ROLE, content("a"), STOP).upTo(3, new Step.Stall()));
    try (var client = RawConnection.to(proxy.port()).chat(REQUEST)) {
      client.readUntil("\"stop\"");
      time.awaitTimerWithin(Duration.ofSeconds(20));
      time.advance(Duration.ofSeconds(20));
      assertThat(client.readUntil("[DONE]")).doesNotContain("error", "keep-alive");
    }
  }

  @Test
  void sendsCommentsToAClientThatHadBeenSlow() throws IOException {
    // More than the kernel's buffers hold, and more events than Vert.x lets wait behind it.
    String events = content("x".repeat(8 << 20)) + content("y").repeat(40) + content("last");
    proxy.sandbox().script(FIRST, Faults.stream(events).upTo(1, new Step.Stall()));
    try (var client = RawConnection.to(proxy.port())) {
      client.socket().setReceiveBufferSize(64 << 10);
      client.chat(REQUEST).readUntil("xxx");
      proxy.get("/health");
      time.advance(Duration.ofSeconds(8));
      client.socket().getInputStream().skipNBytes(8 << 20);
      assertThat(client.readUntil("last")).doesNotContain("keep-alive");
      time.awaitTimerWithin(Duration.ofSeconds(8));
      time.advance(Duration.ofSeconds(8));
      assertThat(client.readUntil(": keep-alive")).contains(": keep-alive");
    }
  }

  @Test
  void forwardsEventsByteForByte() {
    String odd =
        event("{ \"choices\" : [ {\"delta\":{\"content\":\"\\u0041\\/\"}} ] , \"x\":1.0e+2 }");
    proxy.sandbox().script(FIRST, Faults.stream(odd, STOP, DONE));
    assertThat(proxy.stream().body().getBytes(UTF_8))
        .isEqualTo((odd + STOP + DONE).getBytes(ISO_8859_1));
  }

  /**
   * The end of a connection comes while its answer still waits for the client. When that is, is
   * decided by the kernel's buffers, so several clients read a little at a time.
   */
  @Test
  void givesSlowClientsAllThatCameBeforeTheUpstreamHungUp() throws Exception {
    try (var upstream = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        var behind =
            TestProxy.start(
                "UPSTREAM_BASE_URL", "http://127.0.0.1:" + upstream.getLocalPort() + "/v1");
        var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> answers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        var _ = pool.submit(() -> sendAndHangUp(upstream));
        answers.add(pool.submit(() -> readSlowly(behind)));
      }
      for (Future<String> answer : answers) {
        assertThat(answer.get())
            .contains("piece" + (MANY_EVENTS - 1) + "-", "[DONE]")
            .doesNotContain("error");
      }
    }
  }

  private static String readSlowly(TestProxy proxy) throws IOException {
    var answer = new ByteArrayOutputStream();
    try (var client = RawConnection.to(proxy.port())) {
      client.socket().setReceiveBufferSize(64 << 10);
      client.chat(REQUEST, "Connection: close");
      InputStream in = client.socket().getInputStream();
      byte[] piece = new byte[64 << 10];
      for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
        answer.write(piece, 0, length);
        proxy.get("/health");
      }
    }
    return answer.toString(ISO_8859_1);
  }

  private static void sendAndHangUp(ServerSocket upstream) {
    try (Socket connection = upstream.accept()) {
      readRequest(connection.getInputStream());
      OutputStream out = connection.getOutputStream();
      out.write(
          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
              .getBytes(UTF_8));
      for (int i = 0; i < MANY_EVENTS; i++) {
        writeChunk(out, content("piece" + i + "-" + "x".repeat(20_000)));
      }
      writeChunk(out, "data: [DONE]\n\n");
      out.write("0\r\n\r\n".getBytes(UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** To its last byte: what is left unread would make the end of the connection a reset. */
  private static void readRequest(InputStream in) throws IOException {
    var head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      head.append((char) in.read());
    }
    Matcher length = Pattern.compile("(?i)content-length: *(\\d+)").matcher(head);
    assertThat(length.find()).isTrue();
    in.readNBytes(Integer.parseInt(length.group(1)));
  }

  private static void writeChunk(OutputStream out, String text) throws IOException {
    out.write((Integer.toHexString(text.length()) + "\r\n" + text + "\r\n").getBytes(UTF_8));
  }
}

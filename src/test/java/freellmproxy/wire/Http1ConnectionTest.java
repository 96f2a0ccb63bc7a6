package freellmproxy.wire;

import static freellmproxy.testing.RawUpstream.answer;
import static freellmproxy.testing.RawUpstream.readChat;
import static freellmproxy.testing.RawUpstream.write;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawUpstream;
import freellmproxy.testing.TestProxy;
import freellmproxy.testing.UpstreamCalls;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.UpstreamCall;
import freellmproxy.upstream.UpstreamReply;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A connection of HTTP/1.1, to servers that say on it what they like. */
final class Http1ConnectionTest {
  private static final String OK = "HTTP/1.1 200 OK\r\n";
  private static final String BODY = "Content-Length: 2\r\n\r\n{}";

  private final Vertx vertx = ProxyVertx.create();
  private final FakeTime time = new FakeTime();

  @SuppressWarnings("NullAway.Init")
  private RawUpstream upstream;

  @SuppressWarnings("NullAway.Init")
  private UpstreamCalls calls;

  @BeforeEach
  void start() throws IOException {
    upstream = RawUpstream.start();
    calls = UpstreamCalls.to(upstream.url("http"), vertx, time);
  }

  @AfterEach
  void stop() throws IOException {
    TestProxy.await(vertx.close());
    upstream.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Server: x | 59",
        "Keep-Alive: timeout=9 | 8",
        "Keep-Alive: max=100, Timeout=120 | 119",
        "Keep-Alive: max=100 | 59",
        "Keep-Alive: timeout=soon | 59",
        "Keep-Alive: timeout=99999999999999999999 | 59"
      })
  void isUsedAgainAsLongAsTheUpstreamKeepsIt(String header, int seconds) throws IOException {
    Future<UpstreamReply> answered = calls.chat();
    try (Socket connection = upstream.accept()) {
      answerTo(answered, connection, OK + header + "\r\n" + BODY);
      time.advance(Duration.ofSeconds(seconds));
      answered = calls.chat();
      answerTo(answered, connection, OK + header + "\r\n" + BODY);
      time.advance(Duration.ofSeconds(seconds + 1));
      answered = calls.chat();
      assertThat(connection.getInputStream().read()).isEqualTo(-1);
      assertAnsweredOnANewOne(answered);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        OK + "Connection: close\r\n" + BODY,
        OK + "Connection: x, Close\r\n" + BODY,
        "HTTP/1.0 200 OK\r\n" + BODY,
        OK + "Keep-Alive: timeout=0\r\n" + BODY,
        OK + BODY + "HTTP/1.1 200",
        OK + BODY + OK,
        OK + BODY + "HTTP/1.1 100 Continue\r\n\r\n"
      })
  void isUsedForNoOtherCallBehindSuchAnAnswer(String answer) throws IOException {
    Future<UpstreamReply> answered = calls.chat();
    try (Socket connection = upstream.accept()) {
      answerTo(answered, connection, answer);
      answered = calls.chat();
      assertThat(connection.getInputStream().read()).isEqualTo(-1);
      assertAnsweredOnANewOne(answered);
    }
  }

  /** The end is told before all has been looked at that came with it. */
  @ParameterizedTest
  @ValueSource(strings = {OK + BODY + "HTTP/1.1 200", OK + BODY + OK, OK + BODY + OK + BODY})
  void isUsedForNoCallThatBeginsAtTheEndOfSuchAnAnswer(String answer) throws IOException {
    Future<UpstreamReply> next = callAtTheEndOfAnother();
    try (Socket connection = upstream.accept()) {
      readChat(connection);
      write(connection, answer);
      assertThat(connection.getInputStream().read()).isEqualTo(-1);
      assertAnsweredOnANewOne(next);
    }
  }

  @Test
  void isUsedAgainForACallThatBeginsAtTheEndOfAnother() throws IOException {
    Future<UpstreamReply> next = callAtTheEndOfAnother();
    try (Socket connection = upstream.accept()) {
      readChat(connection);
      write(connection, OK + BODY);
      answerTo(next, connection, OK + BODY);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"H", "HTTP/1.1 200 OK\r\n", OK + BODY, "{}"})
  void isClosedWhenTheUpstreamSpeaksUnasked(String words) throws IOException {
    Future<UpstreamReply> answered = calls.chat();
    try (Socket connection = upstream.accept()) {
      answerTo(answered, connection, OK + BODY);
      write(connection, words);
      assertThat(connection.getInputStream().read()).isEqualTo(-1);
      assertAnsweredOnANewOne(calls.chat());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {OK + BODY + "\r\n", OK + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"})
  void isUsedAgain(String answer) throws IOException {
    Future<UpstreamReply> answered = calls.chat();
    try (Socket connection = upstream.accept()) {
      answerTo(answered, connection, answer);
      answered = calls.chat();
      answerTo(answered, connection, OK + BODY);
    }
  }

  @Test
  void bringsTheAnswerBehindTheInterimOnes() throws IOException {
    Future<UpstreamReply> answered = calls.chat();
    try (Socket connection = upstream.accept()) {
      String interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n";
      String hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nConnection: close\r\n\r\n";
      answerTo(answered, connection, interim + hints + "HTTP/1.1 404 Not Found\r\n" + BODY);
      assertThat(answered.result())
          .isInstanceOfSatisfying(
              UpstreamReply.Answer.class, answer -> assertThat(answer.status()).isEqualTo(404));
      answered = calls.chat();
      answerTo(answered, connection, OK + BODY);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\n\\r\\nxx |"
            + " UNEXPECTED_INTERIM",
        "HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n | UNEXPECTED_INTERIM",
        "HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nContent-Length: 6\\r\\n\\r\\n"
            + " | CONNECTION_LOST",
        "HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nx\\r\\n | CONNECTION_LOST",
        "HTTP/3.1 200 OK\\r\\n\\r\\n | CONNECTION_LOST",
        "SSH-2.0-OpenSSH_9.2\\r\\n\\r\\n | CONNECTION_LOST"
      })
  void endsWithWhatIsNoAnswer(String words, Fault fault) throws IOException {
    Future<UpstreamReply> answered = calls.chat();
    try (Socket connection = upstream.accept()) {
      readChat(connection);
      write(connection, words.replace("\\r", "\r").replace("\\n", "\n"));
      assertThat(TestProxy.await(answered))
          .isInstanceOfSatisfying(
              UpstreamReply.Failure.class, failure -> assertThat(failure.fault()).isEqualTo(fault));
      assertThat(connection.getInputStream().read()).isEqualTo(-1);
    }
  }

  /** The upstream has begun to work on it. */
  @Test
  void carriesNoCallASecondTimeThatHadAnInterimAnswer() throws IOException {
    Future<UpstreamReply> answered = calls.chat();
    try (Socket connection = upstream.accept()) {
      answerTo(answered, connection, OK + BODY);
      answered = calls.chat();
      readChat(connection);
      write(connection, "HTTP/1.1 102 Processing\r\n\r\n");
    }
    assertThat(TestProxy.await(answered))
        .isInstanceOfSatisfying(
            UpstreamReply.Failure.class,
            failure -> assertThat(failure.fault()).isEqualTo(Fault.CONNECTION_LOST));
  }

  /** The answer and its end have come together with the end of the connection. */
  @Test
  void bringsWhatCameWhileItsCallPausedBeforeItsEnd() throws IOException {
    Future<UpstreamReply> answered = pausedAtTheHead();
    try (Socket connection = upstream.accept()) {
      readChat(connection);
      write(connection, OK + BODY);
    }
    assertThat(TestProxy.await(answered)).isInstanceOf(UpstreamReply.Answer.class);
  }

  @Test
  void isClosedWhenMoreCameThanAnAnswerWhileItsCallPaused() throws IOException {
    Future<UpstreamReply> answered = pausedAtTheHead();
    try (Socket connection = upstream.accept()) {
      readChat(connection);
      write(connection, OK + BODY + OK + BODY);
      assertThat(TestProxy.await(answered)).isInstanceOf(UpstreamReply.Answer.class);
      assertThat(connection.getInputStream().read()).isEqualTo(-1);
    }
  }

  private Future<UpstreamReply> callAtTheEndOfAnother() {
    Promise<UpstreamReply> end = Promise.promise();
    Consumer<UpstreamReply> listener =
        step -> {
          if (step instanceof UpstreamReply.Answer) {
            var _ = calls.chat(AnswerForm.WHOLE, UpstreamCalls.end(end));
          }
        };
    calls.inLoop(() -> calls.chat(AnswerForm.WHOLE, listener));
    return end.future();
  }

  private Future<UpstreamReply> pausedAtTheHead() {
    Promise<UpstreamReply> end = Promise.promise();
    var call = new UpstreamCall[1];
    Consumer<UpstreamReply> listener =
        step -> {
          if (step instanceof UpstreamReply.Head) {
            call[0].pause();
            calls.inLoop(() -> calls.inLoop(call[0]::resume));
          }
          UpstreamCalls.end(end).accept(step);
        };
    calls.inLoop(() -> call[0] = calls.chat(AnswerForm.WHOLE, listener));
    return end.future();
  }

  private void assertAnsweredOnANewOne(Future<UpstreamReply> answered) throws IOException {
    try (Socket other = upstream.accept()) {
      readChat(other);
      answer(other);
      assertThat(TestProxy.await(answered)).isInstanceOf(UpstreamReply.Answer.class);
    }
  }

  private static void answerTo(Future<UpstreamReply> call, Socket connection, String answer)
      throws IOException {
    readChat(connection);
    write(connection, answer);
    assertThat(TestProxy.await(call)).isInstanceOf(UpstreamReply.Answer.class);
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.RawUpstream.answer;
import static freellmproxy.testing.RawUpstream.readChat;
import static freellmproxy.testing.RawUpstream.write;
import static freellmproxy.testing.UpstreamCalls.end;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.testing.Events;
import freellmproxy.testing.RawUpstream;
import freellmproxy.testing.TestProxy;
import freellmproxy.testing.UpstreamCalls;
import freellmproxy.time.VertxTime;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.UpstreamCall;
import freellmproxy.upstream.UpstreamReply;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.Socket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A connection of HTTP/1.1 that carries one call after the other. */
final class SharedConnectionTest {
  private static final String STREAM =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

  private final Vertx vertx = ProxyVertx.create();
  private final Promise<UpstreamReply> second = Promise.promise();
  private final Promise<UpstreamReply> third = Promise.promise();
  private boolean paused;

  @SuppressWarnings("NullAway.Init")
  private RawUpstream upstream;

  @SuppressWarnings("NullAway.Init")
  private UpstreamCalls calls;

  @SuppressWarnings("NullAway.Init")
  private UpstreamCall first;

  @BeforeEach
  void start() throws IOException {
    upstream = RawUpstream.start();
    calls = UpstreamCalls.to(upstream.url("http"), vertx, new VertxTime(vertx));
  }

  @AfterEach
  void stop() throws IOException {
    TestProxy.await(vertx.close());
    upstream.close();
  }

  /**
   * All of the first answer has come, and what is left of it waits for a slow client.
   *
   * @param left so many pieces wait
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 15, 16, 17})
  void isFreeOnceItsAnswerHasBeenReadToTheEnd(int left) throws IOException {
    assertFreeOnceRead(STREAM + chunk(Events.ROLE).repeat(1 + left) + "0\r\n\r\n");
  }

  /** Of the first answer only the end is left, which was in its last piece. */
  @Test
  void isFreeOnceTheEndOfItsAnswerHasBeenRead() throws IOException {
    int length = Events.ROLE.length();
    assertFreeOnceRead(
        STREAM.replace("Transfer-Encoding: chunked", "Content-Length: " + length) + Events.ROLE);
  }

  private void assertFreeOnceRead(String streamed) throws IOException {
    calls.inLoop(() -> first = calls.chat(AnswerForm.STREAM, this::pauseAndCallAgain));
    try (Socket connection = upstream.accept()) {
      readChat(connection);
      write(connection, streamed);
      try (Socket another = upstream.accept()) {
        readChat(another);
        answer(another);
        assertThat(TestProxy.await(second.future())).isInstanceOf(UpstreamReply.Answer.class);
      }
      calls.inLoop(() -> first.resume());
      readChat(connection);
      answer(connection);
      assertThat(TestProxy.await(third.future())).isInstanceOf(UpstreamReply.Answer.class);
    }
  }

  private void pauseAndCallAgain(UpstreamReply step) {
    if (step instanceof UpstreamReply.Event && !paused) {
      paused = true;
      first.pause();
      calls.inLoop(() -> calls.chat(AnswerForm.WHOLE, end(second)));
    } else if (step instanceof UpstreamReply.StreamEnd) {
      calls.chat(AnswerForm.WHOLE, end(third));
    }
  }

  /** Both have waited for it. */
  @Test
  void isNoMoreFreeOnceItCarriesTheCallBehindOneThatWasGivenUpOnIt() throws IOException {
    calls.inLoop(() -> {
      first = calls.chat(AnswerForm.WHOLE, sent -> first.abort());
      calls.chat(AnswerForm.WHOLE, end(second));
    });
    try (Socket connection = upstream.accept();
        Socket another = upstream.accept()) {
      readChat(connection);
      // One gets the second connection; the other one must not get the first.
      calls.chat();
      calls.chat();
      readChat(another);
      try (Socket yetAnother = upstream.accept()) {
        readChat(yetAnother);
        answer(connection);
        assertThat(TestProxy.await(second.future())).isInstanceOf(UpstreamReply.Answer.class);
      }
    }
  }

  private static String chunk(String text) {
    return Integer.toHexString(text.length()) + "\r\n" + text + "\r\n";
  }
}

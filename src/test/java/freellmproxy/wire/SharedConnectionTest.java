package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.config.LiveSettings;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.testing.Events;
import freellmproxy.testing.TestProxy;
import freellmproxy.time.VertxTime;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.AnswerMemory;
import freellmproxy.upstream.Pooling;
import freellmproxy.upstream.UpstreamCall;
import freellmproxy.upstream.UpstreamClient;
import freellmproxy.upstream.UpstreamReply;
import io.netty.buffer.Unpooled;
import io.vertx.core.Context;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A connection of HTTP/1.1 that carries one call after the other. */
final class SharedConnectionTest {
  private static final String STREAM =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  private static final String ANSWER =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

  private final Vertx vertx = ProxyVertx.create();
  private final Context loop = vertx.getOrCreateContext();
  private final Promise<UpstreamReply> second = Promise.promise();
  private final Promise<UpstreamReply> third = Promise.promise();
  private boolean paused;

  @SuppressWarnings("NullAway.Init")
  private UpstreamClient client;

  @SuppressWarnings("NullAway.Init")
  private UpstreamCall first;

  /**
   * All of the first answer has come, and what is left of it waits for a slow client.
   *
   * @param left so many pieces wait; with 16 of them Vert.x has stopped reading
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 15, 16, 17})
  void isFreeOnceItsAnswerHasBeenReadToTheEnd(int left) throws IOException {
    try (var upstream = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      upstream.setSoTimeout(20_000);
      LiveSettings settings = settings(upstream);
      loop.runOnContext(go -> {
        client = new UpstreamClient(vertx, settings, new AnswerMemory(), new VertxTime(vertx));
        first = call(AnswerForm.STREAM, this::pauseAndCallAgain);
      });
      try (Socket connection = upstream.accept()) {
        connection.setSoTimeout(20_000);
        readCall(connection);
        write(connection, STREAM + chunk(Events.ROLE).repeat(1 + left) + "0\r\n\r\n");
        try (Socket another = upstream.accept()) {
          readCall(another);
          write(another, ANSWER);
          assertThat(TestProxy.await(second.future())).isInstanceOf(UpstreamReply.Answer.class);
        }
        loop.runOnContext(go -> first.resume());
        readCall(connection);
        write(connection, ANSWER);
        assertThat(TestProxy.await(third.future())).isInstanceOf(UpstreamReply.Answer.class);
      }
    } finally {
      TestProxy.await(vertx.close());
    }
  }

  /** Both have waited for it. */
  @Test
  void isNoMoreFreeOnceItCarriesTheCallBehindOneThatWasGivenUpOnIt() throws IOException {
    try (var upstream = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      upstream.setSoTimeout(20_000);
      LiveSettings settings = settings(upstream);
      loop.runOnContext(go -> {
        client = new UpstreamClient(vertx, settings, new AnswerMemory(), new VertxTime(vertx));
        first = call(AnswerForm.WHOLE, sent -> first.abort());
        call(AnswerForm.WHOLE, take(second));
      });
      try (Socket connection = upstream.accept();
          Socket another = upstream.accept()) {
        connection.setSoTimeout(20_000);
        another.setSoTimeout(20_000);
        readCall(connection);
        // One gets the second connection; the other one must not get the first.
        loop.runOnContext(go -> {
          call(AnswerForm.WHOLE, step -> {});
          call(AnswerForm.WHOLE, step -> {});
        });
        readCall(another);
        try (Socket yetAnother = upstream.accept()) {
          yetAnother.setSoTimeout(20_000);
          readCall(yetAnother);
          write(connection, ANSWER);
          assertThat(TestProxy.await(second.future())).isInstanceOf(UpstreamReply.Answer.class);
        }
      }
    } finally {
      TestProxy.await(vertx.close());
    }
  }

  private void pauseAndCallAgain(UpstreamReply step) {
    if (step instanceof UpstreamReply.Event && !paused) {
      paused = true;
      first.pause();
      loop.runOnContext(go -> call(AnswerForm.WHOLE, take(second)));
    } else if (step instanceof UpstreamReply.StreamEnd) {
      call(AnswerForm.WHOLE, take(third));
    }
  }

  private static Consumer<UpstreamReply> take(Promise<UpstreamReply> answered) {
    return step -> {
      if (step instanceof UpstreamReply.Answer || step instanceof UpstreamReply.Failure) {
        answered.complete(step);
      }
    };
  }

  private UpstreamCall call(AnswerForm form, Consumer<UpstreamReply> listener) {
    return client.call(() -> Unpooled.copiedBuffer(CHAT, UTF_8), form, Pooling.REUSE, listener);
  }

  private LiveSettings settings(ServerSocket upstream) {
    SandboxUpstream list =
        TestProxy.await(SandboxUpstream.start(vertx, SandboxUpstream.Options.FOR_TESTS));
    return TestProxy.liveSettings(
        list, "UPSTREAM_BASE_URL", "http://127.0.0.1:" + upstream.getLocalPort() + "/v1");
  }

  private static void readCall(Socket connection) throws IOException {
    var read = new StringBuilder();
    while (read.indexOf(CHAT) < 0) {
      int next = connection.getInputStream().read();
      assertThat(next).as("end after %s", read).isNotNegative();
      read.append((char) next);
    }
  }

  private static void write(Socket connection, String text) throws IOException {
    connection.getOutputStream().write(text.getBytes(UTF_8));
  }

  private static String chunk(String text) {
    return Integer.toHexString(text.length()) + "\r\n" + text + "\r\n";
  }
}

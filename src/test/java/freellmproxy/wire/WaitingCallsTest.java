package freellmproxy.wire;

import static freellmproxy.testing.RawUpstream.answer;
import static freellmproxy.testing.RawUpstream.readChat;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.testing.RawUpstream;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import freellmproxy.testing.UpstreamCalls;
import freellmproxy.time.VertxTime;
import freellmproxy.upstream.UpstreamReply;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls for which a connection is being opened. */
final class WaitingCallsTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private final Vertx vertx = ProxyVertx.create();

  @Test
  void takeTheOneThatAnotherCallLeaves() throws IOException, GeneralSecurityException {
    TestCertificate certificate = TestCertificate.in(folder);
    try (RawUpstream upstream = RawUpstream.start(certificate)) {
      UpstreamCalls calls =
          UpstreamCalls.to(upstream.url("https"), vertx, new VertxTime(vertx), certificate);
      Future<UpstreamReply> one = calls.chat();
      Future<UpstreamReply> other = calls.chat();
      // The second connection is never accepted, so its TLS never ends.
      try (Socket connection = upstream.accept()) {
        readChat(connection);
        answer(connection);
        readChat(connection);
        answer(connection);
        assertThat(TestProxy.await(one)).isInstanceOf(UpstreamReply.Answer.class);
        assertThat(TestProxy.await(other)).isInstanceOf(UpstreamReply.Answer.class);
      }
    } finally {
      TestProxy.await(vertx.close());
    }
  }
}

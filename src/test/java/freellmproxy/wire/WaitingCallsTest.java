package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.config.LiveSettings;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import freellmproxy.time.VertxTime;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.AnswerMemory;
import freellmproxy.upstream.Pooling;
import freellmproxy.upstream.UpstreamClient;
import freellmproxy.upstream.UpstreamReply;
import io.netty.buffer.Unpooled;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls for which a connection is being opened. */
final class WaitingCallsTest {
  private static final String ANSWER =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private final Vertx vertx = ProxyVertx.create();
  private final Promise<UpstreamReply> one = Promise.promise();
  private final Promise<UpstreamReply> other = Promise.promise();

  @Test
  void takeTheOneThatAnotherCallLeaves() throws IOException, GeneralSecurityException {
    TestCertificate certificate = TestCertificate.in(folder);
    try (ServerSocket upstream = listen(certificate)) {
      upstream.setSoTimeout(20_000);
      LiveSettings settings = settings(upstream, certificate);
      vertx.runOnContext(go -> {
        var client = new UpstreamClient(vertx, settings, new AnswerMemory(), new VertxTime(vertx));
        call(client, one);
        call(client, other);
      });
      // The second connection is never accepted, so its TLS never ends.
      try (Socket connection = upstream.accept()) {
        connection.setSoTimeout(20_000);
        readCall(connection);
        write(connection);
        readCall(connection);
        write(connection);
        assertThat(TestProxy.await(one.future())).isInstanceOf(UpstreamReply.Answer.class);
        assertThat(TestProxy.await(other.future())).isInstanceOf(UpstreamReply.Answer.class);
      }
    } finally {
      TestProxy.await(vertx.close());
    }
  }

  private static ServerSocket listen(TestCertificate certificate)
      throws IOException, GeneralSecurityException {
    char[] password = certificate.key().getPassword().toCharArray();
    KeyStore store = KeyStore.getInstance(Path.of(certificate.key().getPath()).toFile(), password);
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password);
    var tls = SSLContext.getInstance("TLS");
    tls.init(keys.getKeyManagers(), null, null);
    return tls.getServerSocketFactory().createServerSocket(0, 10, InetAddress.getLoopbackAddress());
  }

  private LiveSettings settings(ServerSocket upstream, TestCertificate certificate) {
    SandboxUpstream list =
        TestProxy.await(SandboxUpstream.start(vertx, SandboxUpstream.Options.FOR_TESTS));
    return TestProxy.liveSettings(
        list,
        "UPSTREAM_BASE_URL",
        "https://127.0.0.1:" + upstream.getLocalPort() + "/v1",
        "SSL_CERT_FILE",
        certificate.pem().toString());
  }

  private static void call(UpstreamClient client, Promise<UpstreamReply> over) {
    client.call(
        () -> Unpooled.copiedBuffer(CHAT, UTF_8),
        AnswerForm.WHOLE,
        Pooling.REUSE,
        step -> {
          if (step instanceof UpstreamReply.Answer || step instanceof UpstreamReply.Failure) {
            over.complete(step);
          }
        });
  }

  private static void readCall(Socket connection) throws IOException {
    var read = new StringBuilder();
    while (read.indexOf(CHAT) < 0) {
      int next = connection.getInputStream().read();
      assertThat(next).as("end after %s", read).isNotNegative();
      read.append((char) next);
    }
  }

  private static void write(Socket connection) throws IOException {
    connection.getOutputStream().write(ANSWER.getBytes(UTF_8));
  }
}

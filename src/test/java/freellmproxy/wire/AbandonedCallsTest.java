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
import freellmproxy.upstream.UpstreamCall;
import freellmproxy.upstream.UpstreamClient;
import freellmproxy.upstream.UpstreamReply;
import io.netty.buffer.Unpooled;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls that are given up before they have a connection. */
final class AbandonedCallsTest {
  /** As many as the sandbox, like most servers, takes on one connection. */
  private static final int STREAMS = 100;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  @Test
  void keepNoStreamOfTheHttp2ConnectionThatTheyWaitedFor() throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    Vertx vertx = ProxyVertx.create();
    try {
      SandboxUpstream sandbox =
          TestProxy.await(
              SandboxUpstream.start(
                  vertx,
                  new SandboxUpstream.Options(0, SandboxUpstream.Recording.ON, certificate.key())));
      LiveSettings settings =
          TestProxy.liveSettings(sandbox, "SSL_CERT_FILE", certificate.pem().toString());
      Promise<UpstreamReply> answered = Promise.promise();
      vertx.runOnContext(go -> {
        var client = new UpstreamClient(vertx, settings, new AnswerMemory(), new VertxTime(vertx));
        for (int i = 0; i < STREAMS; i++) {
          call(client, step -> {}).abort();
        }
        call(
            client,
            step -> {
              if (!(step instanceof UpstreamReply.Sent)) {
                answered.tryComplete(step);
              }
            });
      });
      assertThat(TestProxy.await(answered.future())).isInstanceOf(UpstreamReply.Head.class);
      assertThat(sandbox.received()).hasSize(1);
    } finally {
      TestProxy.await(vertx.close());
    }
  }

  private static UpstreamCall call(UpstreamClient client, Consumer<UpstreamReply> listener) {
    return client.call(
        () -> Unpooled.copiedBuffer(CHAT, UTF_8), AnswerForm.WHOLE, Pooling.REUSE, listener);
  }
}

package freellmproxy.wire;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import freellmproxy.testing.UpstreamCalls;
import freellmproxy.time.VertxTime;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.UpstreamReply;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Path;
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
      UpstreamCalls calls =
          UpstreamCalls.to(sandbox.baseUrl().toString(), vertx, new VertxTime(vertx), certificate);
      Promise<UpstreamReply> answered = Promise.promise();
      calls.inLoop(() -> {
        for (int i = 0; i < STREAMS; i++) {
          calls.chat(AnswerForm.WHOLE, step -> {}).abort();
        }
        calls.chat(
            AnswerForm.WHOLE,
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
}

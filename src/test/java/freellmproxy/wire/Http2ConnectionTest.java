package freellmproxy.wire;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import freellmproxy.testing.UpstreamCalls;
import freellmproxy.time.Time;
import freellmproxy.time.VertxTime;
import freellmproxy.upstream.UpstreamReply;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.StreamResetException;
import io.vertx.core.net.ServerSSLOptions;
import io.vertx.core.net.TcpServerConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A connection of HTTP/2, to servers that do on it what they should not. */
final class Http2ConnectionTest {
  private static final long CANCEL = 8;
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);

  /** More than an upstream takes of a stream that nobody reads there. */
  private static final String LARGE = " ".repeat(1 << 20);

  private final Vertx vertx = ProxyVertx.create();

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  @SuppressWarnings("NullAway.Init")
  private TestCertificate certificate;

  @BeforeEach
  void certify() throws IOException {
    certificate = TestCertificate.in(folder);
  }

  @AfterEach
  void stop() {
    TestProxy.await(vertx.close());
  }

  /** Its body would be kept, and its stream be counted, as long as the connection stands. */
  @Test
  void leavesAStreamThatWasAnsweredBeforeItWasRead() {
    Promise<Throwable> left = Promise.promise();
    var options =
        new HttpServerOptions().setSsl(true).setUseAlpn(true).setKeyCertOptions(certificate.key());
    int port =
        TestProxy.await(
                vertx
                    .createHttpServer(options)
                    .requestHandler(call -> {
                      call.exceptionHandler(left::tryComplete).pause();
                      call.response().end("{}");
                    })
                    .listen(0, "127.0.0.1"))
            .actualPort();
    UpstreamCalls calls = callsTo(port, new VertxTime(vertx));
    assertThat(TestProxy.await(calls.chat(LARGE))).isInstanceOf(UpstreamReply.Answer.class);
    assertThat(TestProxy.await(left.future()))
        .isInstanceOfSatisfying(
            StreamResetException.class, reset -> assertThat(reset.getCode()).isEqualTo(CANCEL));
  }

  @Test
  void isClosedWhenTheUpstreamSaysNothingBehindTls() {
    Promise<Void> opened = Promise.promise();
    Promise<Void> closed = Promise.promise();
    var time = new FakeTime();
    int port =
        TestProxy.await(
                vertx
                    .createNetServer(
                        new TcpServerConfig().setSsl(true),
                        new ServerSSLOptions()
                            .setKeyCertOptions(certificate.key())
                            .setUseAlpn(true)
                            .setApplicationLayerProtocols(List.of("h2")))
                    .connectHandler(connection -> {
                      connection.closeHandler(gone -> closed.complete());
                      // What HTTP/2 begins with on the other side.
                      connection.handler(preface -> opened.tryComplete());
                    })
                    .listen(0, "127.0.0.1"))
            .actualPort();
    Future<UpstreamReply> told = callsTo(port, time).chat();
    TestProxy.await(opened.future());
    time.advance(CONNECT_LIMIT);
    assertThat(TestProxy.await(told))
        .isInstanceOfSatisfying(
            UpstreamReply.Failure.class,
            failure -> assertThat(failure.fault()).isEqualTo(Fault.CONNECT_TIMEOUT));
    time.advance(CONNECT_LIMIT);
    TestProxy.await(closed.future());
  }

  private UpstreamCalls callsTo(int port, Time time) {
    return UpstreamCalls.to("https://127.0.0.1:" + port + "/v1", vertx, time, certificate);
  }
}

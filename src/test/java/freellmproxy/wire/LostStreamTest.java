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
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls over HTTP/2 connections that fail them for no fault of theirs. */
final class LostStreamTest {
  private static final long NO_ERROR = 0;
  private static final long REFUSED_STREAM = 7;
  private static final int FIRST_STREAM = 1;

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private final Vertx vertx = ProxyVertx.create();

  /** What came over the first connection. */
  private final List<HttpServerRequest> first = new ArrayList<>();

  @AfterEach
  void close() {
    TestProxy.await(vertx.close());
  }

  @Test
  @SuppressWarnings("deprecation") // what takes its place names no stream
  void areSentAgainWhenTheUpstreamGoesAwayWithoutThem() throws IOException {
    assertAnswered(connection -> {
      connection.goAway(NO_ERROR, FIRST_STREAM);
      answer(first.getFirst());
    });
  }

  @Test
  void areSentAgainWhenTheyAreRefused() throws IOException {
    assertAnswered(connection -> first.forEach(call -> call.response().reset(REFUSED_STREAM)));
  }

  @Test
  void areSentAgainWhenTheConnectionThatTheyShareIsClosed() throws IOException {
    assertAnswered(HttpConnection::close);
  }

  /** The upstream closes each connection that has been idle when it gets a call. */
  @Test
  void areSentAgainOverNoOtherConnectionThatMayBeClosed() throws IOException {
    var carried = new HashSet<HttpConnection>();
    LiveSettings settings =
        settings(
            new HttpServerOptions()
                .setInitialSettings(new Http2Settings().setMaxConcurrentStreams(1)),
            call -> {
              if (!carried.add(call.connection())) {
                call.connection().close();
              } else if (first.size() == 2) {
                answer(call);
              } else {
                first.add(call);
                if (first.size() == 2) {
                  first.forEach(LostStreamTest::answer);
                }
              }
            });
    Promise<UpstreamReply> third = Promise.promise();
    vertx.runOnContext(go -> {
      UpstreamClient client = client(settings);
      Promise<UpstreamReply> one = Promise.promise();
      Promise<UpstreamReply> other = Promise.promise();
      call(client, one);
      call(client, other);
      Future.all(one.future(), other.future()).onSuccess(idle -> call(client, third));
    });
    assertThat(TestProxy.await(third.future())).isInstanceOf(UpstreamReply.Answer.class);
    assertThat(carried).hasSize(3);
  }

  /**
   * Both calls get an answer.
   *
   * @param fault happens when both have come over the first connection; all else is answered
   */
  private void assertAnswered(Consumer<HttpConnection> fault) throws IOException {
    LiveSettings settings =
        settings(
            new HttpServerOptions(),
            call -> {
              if (first.size() == 2) {
                answer(call);
                return;
              }
              first.add(call);
              if (first.size() == 2) {
                fault.accept(call.connection());
              }
            });
    Promise<UpstreamReply> one = Promise.promise();
    Promise<UpstreamReply> other = Promise.promise();
    vertx.runOnContext(go -> {
      UpstreamClient client = client(settings);
      call(client, one);
      call(client, other);
    });
    TestProxy.await(Future.all(one.future(), other.future()));
    assertThat(List.of(one.future().result(), other.future().result()))
        .hasOnlyElementsOfType(UpstreamReply.Answer.class);
  }

  /** Starts an upstream. */
  private LiveSettings settings(HttpServerOptions options, Handler<HttpServerRequest> handler)
      throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    HttpServer upstream =
        vertx
            .createHttpServer(
                options.setSsl(true).setUseAlpn(true).setKeyCertOptions(certificate.key()))
            .requestHandler(handler);
    int port = TestProxy.await(upstream.listen(0, "127.0.0.1")).actualPort();
    SandboxUpstream list =
        TestProxy.await(SandboxUpstream.start(vertx, SandboxUpstream.Options.FOR_TESTS));
    return TestProxy.liveSettings(
        list,
        "UPSTREAM_BASE_URL",
        "https://127.0.0.1:" + port + "/v1",
        "SSL_CERT_FILE",
        certificate.pem().toString());
  }

  private UpstreamClient client(LiveSettings settings) {
    return new UpstreamClient(vertx, settings, new AnswerMemory(), new VertxTime(vertx));
  }

  private static void answer(HttpServerRequest call) {
    call.response().putHeader("content-type", "application/json").end("{}");
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
}

package freellmproxy.wire;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import freellmproxy.testing.UpstreamCalls;
import freellmproxy.time.VertxTime;
import freellmproxy.upstream.UpstreamReply;
import io.netty.buffer.PooledByteBufAllocator;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
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

  /** As nginx does with a client whose requests it answers before it has read them. */
  @Test
  @SuppressWarnings("deprecation") // what takes its place names no stream
  void areSentAgainEachTimeTheUpstreamAnswersOneUnreadAndGoesAwayWithoutTheOthers()
      throws IOException {
    UpstreamCalls calls =
        callsTo(
            new HttpServerOptions(),
            call -> {
              call.pause();
              call.connection().goAway(NO_ERROR, FIRST_STREAM);
              answer(call);
            });
    List<Future<UpstreamReply>> told =
        IntStream.range(0, 4).mapToObj(i -> calls.chat(" ".repeat(100_000))).toList();
    assertThat(told)
        .allSatisfy(
            call -> assertThat(TestProxy.await(call)).isInstanceOf(UpstreamReply.Answer.class));
  }

  /** Whoever refuses a call each time is asked five times, and no more. */
  @Test
  void areNotSentAgainForEver() throws IOException {
    var sent = new AtomicInteger();
    UpstreamCalls calls =
        callsTo(
            new HttpServerOptions(),
            call -> {
              sent.incrementAndGet();
              call.response().reset(REFUSED_STREAM);
            });
    assertThat(TestProxy.await(calls.chat()))
        .isInstanceOfSatisfying(
            UpstreamReply.Failure.class,
            failure -> assertThat(failure.fault()).isEqualTo(UpstreamReply.Fault.CONNECTION_LOST));
    assertThat(sent).hasValue(5);
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
    UpstreamCalls calls =
        callsTo(
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
    TestProxy.await(Future.all(calls.chat(), calls.chat()));
    assertThat(TestProxy.await(calls.chat())).isInstanceOf(UpstreamReply.Answer.class);
    assertThat(carried).hasSize(3);
  }

  /** Whatever it says: memory outside the heap that nobody gives back is lost for ever. */
  @Test
  @Timeout(20)
  @SuppressWarnings("deprecation") // what takes its place says no more
  void leaveNothingBehindWhenTheUpstreamGoesAway() throws IOException {
    Buffer reason = Buffer.buffer("x".repeat(16_000));
    UpstreamCalls calls =
        callsTo(
            new HttpServerOptions(),
            call -> {
              call.connection().goAway(NO_ERROR, FIRST_STREAM, reason);
              answer(call);
            });
    TestProxy.await(calls.chat());
    long before = PooledByteBufAllocator.DEFAULT.pinnedDirectMemory();
    for (int i = 0; i < 10; i++) {
      assertThat(TestProxy.await(calls.chat())).isInstanceOf(UpstreamReply.Answer.class);
    }
    // Connections that end may still hold some.
    long most = before + 5L * reason.length();
    while (PooledByteBufAllocator.DEFAULT.pinnedDirectMemory() > most) {
      assertThat(Thread.currentThread().isInterrupted()).as("in time").isFalse();
    }
  }

  /**
   * Both calls get an answer.
   *
   * @param fault happens when both have come over the first connection; all else is answered
   */
  private void assertAnswered(Consumer<HttpConnection> fault) throws IOException {
    UpstreamCalls calls =
        callsTo(
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
    Future<UpstreamReply> one = calls.chat();
    Future<UpstreamReply> other = calls.chat();
    assertThat(List.of(TestProxy.await(one), TestProxy.await(other)))
        .hasOnlyElementsOfType(UpstreamReply.Answer.class);
  }

  /** Starts an upstream. */
  private UpstreamCalls callsTo(HttpServerOptions options, Handler<HttpServerRequest> handler)
      throws IOException {
    TestCertificate certificate = TestCertificate.in(folder);
    HttpServer upstream =
        vertx
            .createHttpServer(
                options.setSsl(true).setUseAlpn(true).setKeyCertOptions(certificate.key()))
            .requestHandler(handler);
    int port = TestProxy.await(upstream.listen(0, "127.0.0.1")).actualPort();
    return UpstreamCalls.to(
        "https://127.0.0.1:" + port + "/v1", vertx, new VertxTime(vertx), certificate);
  }

  private static void answer(HttpServerRequest call) {
    call.response().putHeader("content-type", "application/json").end("{}");
  }
}

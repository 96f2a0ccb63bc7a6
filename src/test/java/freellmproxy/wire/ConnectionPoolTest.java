package freellmproxy.wire;

import static freellmproxy.testing.RawUpstream.answer;
import static freellmproxy.testing.RawUpstream.readChat;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawUpstream;
import freellmproxy.testing.TestProxy;
import freellmproxy.testing.UpstreamCalls;
import freellmproxy.upstream.UpstreamReply;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which connection a call gets, and when one is opened and closed. */
final class ConnectionPoolTest {
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);

  private final Vertx vertx = ProxyVertx.create();
  private final FakeTime time = new FakeTime();

  @SuppressWarnings("NullAway.Init")
  private RawUpstream upstream;

  @BeforeEach
  void start() throws IOException {
    upstream = RawUpstream.start();
  }

  @AfterEach
  void stop() throws IOException {
    TestProxy.await(vertx.close());
    upstream.close();
  }

  private UpstreamCalls callsBy(String scheme) {
    return UpstreamCalls.to(upstream.url(scheme), vertx, time);
  }

  @Test
  void closesAConnectionThatNobodyHasUsedForAWhile() throws IOException {
    UpstreamCalls calls = callsBy("http");
    Future<UpstreamReply> answered = calls.chat();
    try (Socket connection = upstream.accept()) {
      readChat(connection);
      answer(connection);
      assertThat(TestProxy.await(answered)).isInstanceOf(UpstreamReply.Answer.class);
      for (int i = 0; i < 4; i++) {
        time.advance(Duration.ofSeconds(50));
        answered = calls.chat();
        readChat(connection);
        answer(connection);
        assertThat(TestProxy.await(answered)).isInstanceOf(UpstreamReply.Answer.class);
      }
      time.advance(Duration.ofSeconds(150));
      assertThat(connection.getInputStream().read()).isEqualTo(-1);
    }
  }

  /** Over TLS calls wait for one connection together, since HTTP/2 would carry them all. */
  @Test
  void opensAnotherForWhoCameLaterWhenOneDoesNotStandInTime() throws IOException {
    UpstreamCalls calls = callsBy("https");
    Future<UpstreamReply> first = calls.chat();
    try (Socket _ = upstream.accept()) {
      time.advance(CONNECT_LIMIT.minusSeconds(1));
      Future<UpstreamReply> second = calls.chat();
      time.awaitTimerBetween(CONNECT_LIMIT, CONNECT_LIMIT);
      time.advance(Duration.ofSeconds(1));
      assertThat(TestProxy.await(first))
          .isInstanceOfSatisfying(
              UpstreamReply.Failure.class,
              failure -> assertThat(failure.fault()).isEqualTo(Fault.CONNECT_TIMEOUT));
      upstream.accept().close();
      assertThat(TestProxy.await(second))
          .isInstanceOfSatisfying(
              UpstreamReply.Failure.class,
              failure -> assertThat(failure.fault()).isEqualTo(Fault.TLS_FAILED));
    }
  }

  /** The first one gets a connection that breaks, the other one only another that is silent. */
  @Test
  void tellsWhoWaitedInVainWhatAConnectionFailedOfMeanwhile() throws IOException {
    UpstreamCalls calls = callsBy("https");
    Future<UpstreamReply> first = calls.chat();
    Future<UpstreamReply> second = calls.chat();
    // Theirs and that of the connection.
    time.awaitMoreTimersThan(2);
    upstream.accept().close();
    assertThat(TestProxy.await(first))
        .isInstanceOfSatisfying(
            UpstreamReply.Failure.class,
            failure -> assertThat(failure.fault()).isEqualTo(Fault.TLS_FAILED));
    try (Socket _ = upstream.accept()) {
      time.advance(CONNECT_LIMIT);
      assertThat(TestProxy.await(second))
          .isInstanceOfSatisfying(
              UpstreamReply.Failure.class,
              failure -> assertThat(failure.fault()).isEqualTo(Fault.TLS_FAILED));
    }
  }

  @Test
  void failsAtOnceWhoStillWaitsWhenItIsClosed() throws IOException {
    UpstreamCalls calls = callsBy("https");
    Future<UpstreamReply> waiting = calls.chat();
    try (Socket _ = upstream.accept()) {
      calls.close();
      Future<UpstreamReply> late = calls.chat();
      assertThat(TestProxy.await(waiting))
          .isInstanceOfSatisfying(
              UpstreamReply.Failure.class,
              failure -> assertThat(failure.fault()).isEqualTo(Fault.CONNECTION_LOST));
      assertThat(TestProxy.await(late))
          .isInstanceOfSatisfying(
              UpstreamReply.Failure.class,
              failure -> assertThat(failure.fault()).isEqualTo(Fault.CONNECTION_LOST));
    }
  }

  @Test
  void failsOnlyTheFirstOfThoseWhoWaitForAConnection() throws IOException {
    UpstreamCalls calls = callsBy("https");
    Future<UpstreamReply> first = calls.chat();
    Socket broken = upstream.accept();
    time.advance(Duration.ofSeconds(1));
    Future<UpstreamReply> second = calls.chat();
    time.awaitTimerBetween(CONNECT_LIMIT, CONNECT_LIMIT);
    broken.close();
    assertThat(TestProxy.await(first))
        .isInstanceOfSatisfying(
            UpstreamReply.Failure.class,
            failure -> assertThat(failure.fault()).isEqualTo(Fault.TLS_FAILED));
    upstream.accept().close();
    assertThat(TestProxy.await(second))
        .isInstanceOfSatisfying(
            UpstreamReply.Failure.class,
            failure -> assertThat(failure.fault()).isEqualTo(Fault.TLS_FAILED));
  }
}

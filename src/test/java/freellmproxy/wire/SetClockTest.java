package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import io.vertx.core.Future;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Somebody sets the wall clock, by hand or by NTP: nothing is longer or shorter by that. */
final class SetClockTest {
  private static final Duration HOLD = Duration.ofHours(10);
  private static final Duration SECOND_LONG = Duration.ofSeconds(1);

  private final FakeTime time = new FakeTime();

  @AutoClose private final TestProxy proxy = TestProxy.startAt(time);

  /** Of a day's quota that is back at an absolute time. */
  private static Behaviour accountLimit(Instant reset) {
    return Faults.status(
        429,
        """
        {"error":{"message":"Rate limit exceeded: free-models-per-day","code":429,"metadata":\
        {"headers":{"X-RateLimit-Reset":"%d"}}}}\
        """
            .formatted(reset.toEpochMilli()));
  }

  @ParameterizedTest
  @ValueSource(ints = {-30, -1, 1, 30})
  void movesNoEndOfAnAccountsHold(int hours) {
    proxy.sandbox().script(FIRST, accountLimit(time.instant().plus(HOLD)), ChatAnswer.standard());
    assertThat(proxy.chat().statusCode()).isEqualTo(402);
    time.setWallClockBy(Duration.ofHours(hours));
    HttpResponse<String> held = proxy.chat();
    assertThat(held.statusCode()).isEqualTo(402);
    assertThat(held.body())
        .contains("(in %d h %d min)".formatted(HOLD.toHours(), HOLD.toMinutesPart()));
    time.advance(HOLD.minus(SECOND_LONG));
    assertHeldFor(SECOND_LONG);
    time.advance(SECOND_LONG);
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
    assertThat(proxy.sandbox().received()).hasSize(2);
  }

  private void assertHeldFor(Duration left) {
    HttpResponse<String> answer = proxy.chat();
    assertThat(answer.statusCode()).isEqualTo(429);
    assertThat(answer.headers().firstValue("retry-after")).hasValue("" + left.toSeconds());
    assertThat(proxy.get("/ready").statusCode()).isEqualTo(503);
  }

  @ParameterizedTest
  @ValueSource(ints = {-30, -1, 1, 30})
  void movesNoEndOfAModelsRest(int hours) {
    String until =
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            time.instant().plusSeconds(600).atZone(ZoneOffset.UTC));
    proxy
        .sandbox()
        .script(
            FIRST,
            Faults.status(429, Map.of("retry-after", until), "{\"error\":{\"code\":429}}"),
            ChatAnswer.standard());
    assertAnsweredBy(SECOND);
    time.setWallClockBy(Duration.ofHours(hours));
    time.advance(Duration.ofSeconds(599));
    assertAnsweredBy(SECOND);
    time.advance(SECOND_LONG);
    assertAnsweredBy(FIRST);
  }

  private void assertAnsweredBy(String model) {
    assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue(model);
  }

  @Test
  void makesTheListNoOlder() {
    time.advance(Duration.ofSeconds(5));
    time.setWallClockBy(Duration.ofDays(1));
    assertThat(proxy.get("/metrics").body()).contains("freellm_snapshot_age_seconds 5.0");
    time.setWallClockBy(Duration.ofDays(-2));
    assertThat(proxy.get("/metrics").body()).contains("freellm_snapshot_age_seconds 5.0");
  }

  @Test
  void makesTheLastGraceNoLonger() throws IOException {
    var gate = new Gate();
    Instant begin = time.steady();
    try (var stopping = TestProxy.startAt(time, "SHUTDOWN_GRACE_SEC", "5");
        var client = RawConnection.to(stopping.port())) {
      stopping.sandbox().scriptOthers(ChatAnswer.standard().after(new Step.Hold(gate)));
      client.chat(CHAT);
      TestProxy.await(gate.reached());
      Future<Void> stopped = stopping.proxy().stop();
      time.setWallClockBy(Duration.ofHours(-1));
      while (!stopped.isComplete()) {
        // A round trip in between lets the event loops go on.
        stopping.send(HttpRequest.newBuilder(stopping.sandbox().modelListUrl()));
        time.advance(Duration.ofMillis(20));
      }
      assertThat(client.readUntil("}}")).contains("shutting down");
      assertThat(Duration.between(begin, time.steady())).isLessThan(Duration.ofSeconds(10));
    }
  }
}

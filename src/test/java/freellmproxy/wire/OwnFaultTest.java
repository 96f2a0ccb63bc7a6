package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.BreakableTime;
import freellmproxy.testing.Events;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Contract section 12: a fault in one request never reaches another, and is answered. */
final class OwnFaultTest {
  private static final int A_BODY = 4 << 20;

  private final FakeTime fakeTime = new FakeTime();
  private final BreakableTime time = new BreakableTime(fakeTime);

  @Test
  void saysThatReadingTheListFailedByABugAndReadsItAgain() {
    try (var proxy = TestProxy.startAt(time)) {
      time.breakDown();
      assertThat(proxy.refresh())
          .returns(502, HttpResponse::statusCode)
          .returns(true, answer -> answer.body().contains("refresh_failed"));
      time.mend();
      fakeTime.awaitTimerBetween(Duration.ofSeconds(4), Duration.ofSeconds(6));
      assertThat(proxy.refresh().statusCode()).isEqualTo(200);
      assertThat(proxy.chat().statusCode()).isEqualTo(200);
    }
  }

  private static long bodies() {
    return PooledByteBufAllocator.DEFAULT.pinnedDirectMemory();
  }

  /** Whatever it is thrown as; Netty throws checked exceptions from where none is declared. */
  static Stream<Throwable> bugs() {
    return Stream.of(
        new IllegalStateException("a bug"),
        new StackOverflowError("a bug"),
        new NoClassDefFoundError("a bug"),
        new AssertionError("a bug"),
        new IOException("a bug"));
  }

  @ParameterizedTest
  @MethodSource("bugs")
  void answersABugBehindTheBodyAndServesTheNext(Throwable bug) throws IOException {
    try (var proxy = TestProxy.startAt(time);
        var client = RawConnection.to(proxy.port())) {
      long before = bodies();
      time.breakDown(bug);
      client.chat(CHAT + " ".repeat(A_BODY));
      assertThat(client.readUntil("}}")).startsWith("HTTP/1.1 500 ").contains("internal_error");
      assertThat(bodies()).isLessThan(before + A_BODY / 2);
      assertOnlyThatOneFailed(proxy, client);
    }
  }

  @ParameterizedTest
  @MethodSource("bugs")
  void answersABugBehindTheAnswerOfAModel(Throwable bug) throws IOException {
    var held = new Gate();
    try (var proxy = TestProxy.startAt(time);
        var client = RawConnection.to(proxy.port())) {
      proxy.sandbox().script(FIRST, Faults.error(500, "oops").after(new Step.Hold(held)));
      client.chat(CHAT);
      TestProxy.await(held.reached());
      time.breakDown(bug);
      held.open();
      assertThat(client.readUntil("}}")).startsWith("HTTP/1.1 500 ").contains("internal_error");
      assertOnlyThatOneFailed(proxy, client);
    }
  }

  private void assertOnlyThatOneFailed(TestProxy proxy, RawConnection client) throws IOException {
    time.mend();
    client.chat(CHAT);
    assertThat(client.readUntil("fake OpenRouter.")).startsWith("HTTP/1.1 200 ");
    assertThat(proxy.settledMetrics()).contains("freellm_requests_total{status=\"500\"} 1.0");
  }

  @Test
  void asksTheNextModelAfterABugInReadingAnAnswer() throws IOException {
    var held = new Gate();
    try (var proxy = TestProxy.startAt(time);
        var client = RawConnection.to(proxy.port())) {
      proxy.sandbox().script(FIRST, ChatAnswer.standard().after(new Step.Hold(held)));
      client.chat(CHAT);
      TestProxy.await(held.reached());
      time.breakDown(1);
      held.open();
      assertThat(client.readUntil("fake OpenRouter."))
          .startsWith("HTTP/1.1 200 ")
          .contains("x-free-llm-proxy-model: " + SECOND);
    }
  }

  /** While an event is read, and while what a cut means for the model is written down. */
  @ParameterizedTest
  @MethodSource("breaks")
  void endsAStreamWithAnErrorAfterABug(Step broken) throws IOException {
    var held = new Gate();
    try (var proxy = TestProxy.startAt(time);
        var client = RawConnection.to(proxy.port())) {
      proxy
          .sandbox()
          .script(
              FIRST,
              ChatAnswer.standard()
                  .upTo(3, new Step.Hold(held), new Step.Write(Events.error(502).getBytes(UTF_8))));
      client.chat(CHAT.replaceFirst("\\{", "{\"stream\":true,"));
      assertThat(client.readUntil("[sandbox]")).startsWith("HTTP/1.1 200 ");
      TestProxy.await(held.reached());
      time.breakDown();
      held.open();
      assertThat(client.readUntil(Events.DONE)).contains("data: {\"error\"").endsWith(Events.DONE);
      time.mend();
      assertThat(proxy.settledMetrics())
          .contains("freellm_requests_total{status=\"200/mid_error\"} 1.0");
    }
  }

  static Stream<Step> breaks() {
    return Stream.of(new Step.Write(Events.error(502).getBytes(UTF_8)), new Step.Fin());
  }
}

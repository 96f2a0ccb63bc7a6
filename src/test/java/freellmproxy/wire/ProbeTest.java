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
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The first call after a rest, where no other model is left (contract section 5). */
final class ProbeTest {
  private static final int WAITING = 6;
  private static final Duration DEADLINE = Duration.ofSeconds(110);

  private final FakeTime time = new FakeTime();
  private final Gate answer = new Gate();

  @SuppressWarnings("NullAway.Init")
  private TestProxy proxy;

  @BeforeEach
  void start() {
    proxy = TestProxy.startListing(time, List.of(FIRST));
  }

  @AfterEach
  void stop() {
    proxy.close();
  }

  @Test
  void isAwaitedByOthersWhichAskOnceItHasAnswered() throws IOException {
    assertThat(answersToOthers(ChatAnswer.standard()))
        .allSatisfy(answer ->
            assertThat(answer).startsWith("HTTP/1.1 200 ").contains("-proxy-attempts: 1"));
    assertThat(proxy.sandbox().received()).hasSize(2 + WAITING);
    assertThat(proxy.settledMetrics())
        .contains("freellm_overhead_seconds_bucket{le=\"1.0\"} " + (2 + WAITING));
  }

  @Test
  void tellsOthersUntilWhenTheModelRestsWhenItFails() throws IOException {
    assertThat(answersToOthers(Faults.error(429, "slow down")))
        .allSatisfy(answer ->
            assertThat(answer)
                .startsWith("HTTP/1.1 503 ")
                .contains("retry-after: 300", "all_models_unavailable"));
    assertThat(proxy.sandbox().received()).hasSize(2);
  }

  @Test
  void isNotAwaitedBeyondTheDeadline() throws IOException {
    var body = new Gate();
    try (var probe = probe(ChatAnswer.standard().insert(0, new Step.Hold(body)))) {
      long looks = time.looks();
      answer.open();
      TestProxy.await(body.reached());
      // The head has come; the rest may take longer than others can wait.
      time.awaitLookAfter(looks);
      try (var other = waiting()) {
        time.advance(DEADLINE);
        assertThat(other.readUntil("}}"))
            .startsWith("HTTP/1.1 503 ")
            .contains("retry-after: 1", "all_models_unavailable");
      }
      body.open();
      assertThat(probe.readUntil("fake OpenRouter.")).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void isNotAwaitedBeyondTheRestOfAnotherModel() throws IOException {
    proxy.close();
    proxy = TestProxy.startListing(time, List.of(FIRST, SECOND));
    proxy
        .sandbox()
        .script(
            SECOND, Faults.status(503, Map.of("Retry-After", "80"), "{}"), ChatAnswer.standard());
    try (var probe = probe(ChatAnswer.standard());
        var other = RawConnection.to(proxy.port()).chat(CHAT)) {
      Duration left = Duration.ofSeconds(20);
      time.awaitTimerBetween(left, left);
      time.advance(left);
      assertThat(other.readUntil("fake OpenRouter."))
          .contains("x-free-llm-proxy-model: " + SECOND, "-proxy-attempts: 1");
      answer.open();
      assertThat(probe.readUntil("fake OpenRouter.")).startsWith("HTTP/1.1 200 ");
    }
  }

  /** The model fails and its rest ends; one request asks it and {@link #WAITING} more come. */
  private List<String> answersToOthers(Behaviour probed) throws IOException {
    List<RawConnection> others = new ArrayList<>();
    List<String> answers = new ArrayList<>();
    try (var probe = probe(probed)) {
      for (int i = 0; i < WAITING; i++) {
        others.add(waiting());
      }
      time.advance(Duration.ofSeconds(2));
      answer.open();
      assertThat(probe.readUntil("}}")).startsWith("HTTP/1.1 ");
      for (RawConnection other : others) {
        answers.add(other.readUntil("}}"));
      }
    } finally {
      for (RawConnection other : others) {
        other.close();
      }
    }
    return answers;
  }

  private RawConnection probe(Behaviour probed) throws IOException {
    proxy
        .sandbox()
        .script(
            FIRST,
            Faults.error(503, "x"),
            probed.after(new Step.Hold(answer)),
            ChatAnswer.standard());
    assertThat(proxy.chat().headers().firstValue("retry-after")).hasValue("59");
    time.advance(Duration.ofSeconds(60));
    RawConnection probe = RawConnection.to(proxy.port()).chat(CHAT);
    TestProxy.await(answer.reached());
    return probe;
  }

  private RawConnection waiting() throws IOException {
    long timers = time.timersIn(DEADLINE);
    RawConnection other = RawConnection.to(proxy.port()).chat(CHAT);
    time.awaitMoreTimersIn(DEADLINE, timers);
    return other;
  }
}

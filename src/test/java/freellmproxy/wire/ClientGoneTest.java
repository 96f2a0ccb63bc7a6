package freellmproxy.wire;

import static freellmproxy.testing.RawConnection.chatHead;
import static freellmproxy.testing.TestProxy.FIRST;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.Events;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** A client that vanishes costs nothing and nobody is blamed; one that reads slowly waits. */
final class ClientGoneTest {
  private static final String PLAIN = "{\"messages\":[]}";
  private static final String STREAM = "{\"stream\":true,\"messages\":[]}";

  @AutoClose private final TestProxy proxy = TestProxy.startAt(new FakeTime());

  @Test
  void abortsThePlainCallOfAClientThatWent() throws IOException {
    leaveWhileHeld(PLAIN, ChatAnswer.standard());
  }

  @Test
  void abortsTheStreamOfAClientThatWentBeforeItBegan() throws IOException {
    leaveWhileHeld(STREAM, ChatAnswer.standard());
  }

  private void leaveWhileHeld(String request, Behaviour answer) throws IOException {
    var gate = new Gate();
    proxy.sandbox().script(FIRST, answer.after(new Step.Hold(gate)), answer);
    try (var client = RawConnection.to(proxy.port()).chat(request)) {
      TestProxy.await(gate.reached());
      client.socket().setSoLinger(true, 0);
    }
    assertNobodyIsBlamed();
    gate.open();
  }

  @Test
  void abortsACommittedStream() throws IOException {
    Behaviour endless = Faults.stream(Events.ROLE, Events.content("a")).upTo(2, new Step.Stall());
    proxy.sandbox().script(FIRST, endless, ChatAnswer.standard());
    try (var client = RawConnection.to(proxy.port()).chat(STREAM)) {
      client.readUntil("\"a\"");
    }
    assertNobodyIsBlamed();
    assertThat(proxy.settledMetrics()).contains("outcome=\"cancelled\"");
  }

  private void assertNobodyIsBlamed() {
    TestProxy.await(proxy.sandbox().received().getFirst().aborted());
    assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue(FIRST);
    proxy.settledMetrics();
  }

  @Test
  void servesOthersWhenAClientGoesInItsHeadOrBody() throws IOException {
    for (String part : new String[] {"POST /v1/ch", chatHead(100), chatHead(100) + "{\"mess"}) {
      RawConnection.to(proxy.port()).send(part).close();
    }
    assertThat(proxy.chat().statusCode()).isEqualTo(200);
    proxy.settledMetrics();
  }

  @Test
  void makesTheUpstreamWaitForAClientThatDoesNotRead() throws IOException {
    int events = 400;
    String[] writes = new String[events + 2];
    Arrays.fill(writes, Events.content("x".repeat(1 << 16)));
    writes[events] = Events.STOP;
    writes[events + 1] = Events.DONE;
    var gate = new Gate();
    proxy.sandbox().script(FIRST, Faults.stream(writes).insert(events, new Step.Hold(gate)));
    try (var client = RawConnection.to(proxy.port()).chat(STREAM, "Connection: close")) {
      client.readUntil("xxx");
      // 26 MB are more than all socket buffers hold, so the sandbox cannot have come to the gate.
      for (int i = 0; i < 20; i++) {
        proxy.get("/health");
      }
      assertThat(gate.reached().isComplete()).isFalse();
      gate.open();
      assertThat(client.readAll()).hasSizeGreaterThan((events - 1) << 16).contains("[DONE]");
    }
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.BreakableTime;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** Contract section 12: a fault in one request never reaches another, and is answered. */
final class OwnFaultTest {
  private static final int A_BODY = 4 << 20;

  private final BreakableTime time = new BreakableTime(new FakeTime());

  private static long bodies() {
    return PooledByteBufAllocator.DEFAULT.pinnedDirectMemory();
  }

  @Test
  void answersABugBehindTheBodyAndServesTheNext() throws IOException {
    try (var proxy = TestProxy.startAt(time);
        var client = RawConnection.to(proxy.port())) {
      long before = bodies();
      time.breakDown();
      client.chat(CHAT + " ".repeat(A_BODY));
      assertThat(client.readUntil("}}")).startsWith("HTTP/1.1 500 ").contains("internal_error");
      assertThat(bodies()).isLessThan(before + A_BODY / 2);
      time.mend();
      client.chat(CHAT);
      assertThat(client.readUntil("fake OpenRouter.")).startsWith("HTTP/1.1 200 ");
    }
  }
}

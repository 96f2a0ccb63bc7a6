package freellmproxy.wire;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.util.HashMap;
import org.junit.jupiter.api.Test;

/** Bodies that do not fit into memory are refused; nobody else notices. */
final class OverloadTest {
  @Test
  void refusesABodyForWhichThereIsNoMemory() throws IOException {
    try (var proxy = TestProxy.start()) {
      var environment = new HashMap<>(ProxyProcessUnderTest.environment(proxy.sandbox()));
      environment.put("JDK_JAVA_OPTIONS", "-XX:MaxDirectMemorySize=24m");
      try (var process = ProxyProcessUnderTest.start(environment)) {
        int port = process.awaitEvent("started").path("port").asInt();
        process.awaitEvent("snapshot_refreshed");
        String large = "{\"messages\":[\"" + "x".repeat(30 << 20) + "\"]}";
        assertThat(process.chat(port, large))
            .startsWith("HTTP/1.1 503 ")
            .contains("retry-after: 1", "\"code\":\"proxy_overloaded\"");
        assertThat(process.awaitEvent("request_rejected").path("reason").asText())
            .isEqualTo("proxy_overloaded");
        assertThat(process.chat(port, "{\"messages\":[]}")).startsWith("HTTP/1.1 200 ");
        assertThat(process.stop()).isZero();
      }
    }
  }
}

package freellmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Faults;
import freellmproxy.testing.TestProxy;
import org.junit.jupiter.api.Test;

final class ProxySmokeTest {
  @Test
  void fallsOverToTheSecondModel() {
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().script(TestProxy.FIRST, Faults.error(502, "broken"));
      var answer = proxy.chat();
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.headers().firstValue("x-free-llm-proxy-model")).hasValue(TestProxy.SECOND);
      assertThat(answer.headers().firstValue("x-free-llm-proxy-attempts")).hasValue("2");
    }
  }
}

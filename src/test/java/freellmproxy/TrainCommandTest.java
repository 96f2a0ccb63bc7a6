package freellmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.ProxyProcessUnderTest;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The run that the launcher records for its AOT cache. */
final class TrainCommandTest {
  @Test
  void servesFromItsSandboxAndEnds() throws IOException {
    try (var training = ProxyProcessUnderTest.start(Map.of(), "train")) {
      training.awaitEvent("snapshot_refreshed");
      assertThat(training.awaitEvent("request_done").path("status").asInt()).isEqualTo(200);
      training.awaitEvent("stopped");
      assertThat(training.exitCode()).isZero();
      assertThat(training.output()).doesNotContain("training_failed");
    }
  }
}

package freellmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The run that the launcher records for its AOT cache. */
final class TrainCommandTest {
  @Test
  void exercisesTheProxyAgainstTheSandboxAndEnds() {
    assertThat(new CommandLine(new Main()).execute("train")).isZero();
  }
}

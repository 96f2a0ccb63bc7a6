package freellmproxy.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A machine that sleeps is longer up than awake. */
final class SleepsTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private long awake = -7 * SECOND;

  private Path upFor(String seconds) throws IOException {
    return Files.writeString(folder.resolve("uptime"), seconds + " 1234.56\n");
  }

  @Test
  void areWhatTheMachineWasUpButNotAwake() throws IOException {
    var sleeps = new Sleeps(upFor("1000.00"), () -> awake);
    assertThat(sleeps.nanos()).isZero();
    awake += 60 * SECOND;
    upFor("1060.01");
    sleeps.look();
    assertThat(sleeps.nanos()).as("a minute awake").isZero();
    upFor("30000.00");
    sleeps.look();
    assertThat(sleeps.nanos()).isEqualTo((30_000 - 1_060) * SECOND);
    awake += 60 * SECOND;
    upFor("30059.99");
    sleeps.look();
    assertThat(sleeps.nanos()).as("never less").isEqualTo((30_000 - 1_060) * SECOND);
  }

  @Test
  void areNotKnownWhereTheSystemDoesNotSay() throws IOException {
    var sleeps = new Sleeps(folder.resolve("none"), () -> awake);
    awake += SECOND;
    sleeps.look();
    assertThat(sleeps.nanos()).isZero();
    var odd = new Sleeps(upFor("odd"), () -> awake);
    awake += SECOND;
    odd.look();
    assertThat(odd.nanos()).isZero();
  }

  @Test
  void areReadFromThisMachineIfAtAll() {
    var sleeps = new Sleeps(Sleeps.UPTIME, System::nanoTime);
    sleeps.look();
    assertThat(sleeps.nanos()).isZero();
  }
}

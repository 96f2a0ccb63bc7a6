package freellmproxy.time;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How long the machine has slept since the start. {@link System#nanoTime} stands still in the
 * meantime on Linux, where a day's rest would go on for the night again; {@code /proc/uptime} goes
 * on (proc(5)). Where there is none nothing is known of any sleep. One thread looks, all may ask.
 */
final class Sleeps {
  static final Path UPTIME = Path.of("/proc/uptime");

  /** The file counts hundredths of a second; a shorter sleep does not matter. */
  private static final long SHORTEST_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Path uptime;
  private final LongSupplier awakeNanos;
  private final OptionalLong offsetAtStart;
  private volatile long nanos;

  /**
   * Begins now.
   *
   * @param awakeNanos stands still while the machine sleeps
   */
  Sleeps(Path uptime, LongSupplier awakeNanos) {
    this.uptime = uptime;
    this.awakeNanos = awakeNanos;
    this.offsetAtStart = offset();
  }

  /** All sleep that was noticed; never less than before. */
  long nanos() {
    return nanos;
  }

  /**
   * Notices what has been slept since. Reads a small file of the kernel's, which does not block.
   */
  void look() {
    OptionalLong offset = offsetAtStart.isPresent() ? offset() : OptionalLong.empty();
    if (offset.isPresent()) {
      long slept = offset.getAsLong() - offsetAtStart.getAsLong();
      nanos = slept >= nanos + SHORTEST_NANOS ? slept : nanos;
    }
  }

  /** By how much the machine has been up longer than awake; empty when it does not say. */
  private OptionalLong offset() {
    try {
      String text = Files.readString(uptime);
      double seconds = Double.parseDouble(text.substring(0, text.indexOf(' ')));
      return OptionalLong.of(
          Math.round(seconds * TimeUnit.SECONDS.toNanos(1)) - awakeNanos.getAsLong());
    } catch (IOException | IndexOutOfBoundsException | NumberFormatException unknown) {
      return OptionalLong.empty();
    }
  }
}

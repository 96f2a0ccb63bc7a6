package freellmproxy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * How many files, connections among them, the process may have open. A client and its upstream need
 * two.
 */
final class OpenFiles {
  /** For a thousand clients with their upstreams, and twice that where they come in a rush. */
  private static final long FEW = 4096;

  private static final Path LIMITS = Path.of("/proc/self/limits");
  private static final String LINE = "Max open files";

  private OpenFiles() {}

  /**
   * What is odd about the limit. Java has raised it as far as it may by the time it is read. Where
   * there is no {@code /proc} nothing is said: macOS gives Java 10,240, and asking the JVM's
   * management loads hundreds of classes.
   */
  static Optional<String> warning() {
    try (Stream<String> lines = Files.lines(LIMITS)) {
      return warning(lines);
    } catch (IOException unknown) {
      return Optional.empty();
    }
  }

  /** The same for the lines of such a file. */
  static Optional<String> warning(Stream<String> lines) {
    return lines
        .filter(line -> line.startsWith(LINE))
        .map(OpenFiles::soft)
        .flatMapToLong(OptionalLong::stream)
        .filter(limit -> limit < FEW)
        .mapToObj(limit ->
            "only "
                + limit
                + " files may be open at once, two for each request; raise `ulimit -n` to "
                + FEW
                + " or more")
        .findFirst();
  }

  private static OptionalLong soft(String line) {
    String limit = line.substring(LINE.length()).strip().split("\\s+", 2)[0];
    return limit.matches("[0-9]{1,18}")
        ? OptionalLong.of(Long.parseLong(limit))
        : OptionalLong.empty();
  }
}

package freellmproxy.build;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.googlejavaformat.java.Formatter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Holds every source file to google-java-format.
 *
 * <p>{@code mvn test -Dtest=SourceFormatTest -Dformat.apply=true} rewrites the files instead of
 * complaining.
 */
final class SourceFormatTest {
  private static final boolean APPLY = Boolean.getBoolean("format.apply");

  @Test
  void everySourceFileIsFormatted() throws Exception {
    var formatter = new Formatter();
    var unformatted = new ArrayList<String>();
    for (Path file : sources()) {
      String source = Files.readString(file);
      String formatted = formatter.formatSourceAndFixImports(source);
      if (formatted.equals(source)) {
        continue;
      }
      if (APPLY) {
        Files.writeString(file, formatted);
      } else {
        unformatted.add(file.toString());
      }
    }
    assertThat(unformatted)
        .as("run: mvn test -Dtest=SourceFormatTest -Dformat.apply=true")
        .isEmpty();
  }

  private static List<Path> sources() throws Exception {
    try (var files = Files.walk(Path.of("src"))) {
      return files.filter(file -> file.toString().endsWith(".java")).toList();
    }
  }
}

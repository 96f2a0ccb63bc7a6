package freellmproxy.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The start script, with a Maven and a Java that only say that they were called. */
final class StartScriptTest {

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path home;

  @BeforeEach
  void copy() throws IOException, InterruptedException {
    assumeTrue(run("sh", "-c", "command -v flock mkfifo").waitFor() == 0, "flock and mkfifo");
    Files.createDirectories(home.resolve("src/main"));
    Files.createDirectories(home.resolve("packaging"));
    Files.createDirectories(home.resolve("jdk/bin"));
    Files.createFile(home.resolve("pom.xml"));
    Files.createFile(home.resolve("packaging/java-options"));
    Files.copy(Path.of("packaging/find-java"), home.resolve("packaging/find-java"));
    Files.writeString(home.resolve("jdk/release"), "JAVA_VERSION=\"25.0.1\"\n");
    script(
        "jdk/bin/java",
        """
        case "$*" in
          *AOTCacheOutput*) cache=${2#*=}; echo cache >"$cache" ;;
          *) echo served ;;
        esac\
        """);
    // Goes on when the test opens the other end.
    script("mvn", "read -r go <gate; echo jar >target/free-llm-proxy.jar");
    script("free-llm-proxy", Files.readString(Path.of("free-llm-proxy")));
    assertThat(run("mkfifo", home.resolve("gate").toString()).waitFor()).isZero();
  }

  @Test
  void buildsOnceWhenStartedTwice() throws IOException, InterruptedException {
    try (BufferedReader first = start();
        BufferedReader second = startBehind(first)) {
      assertThat(second.readLine()).startsWith("Waiting for the build");
      Files.writeString(home.resolve("gate"), "go\n");
      assertThat(first.lines()).contains("served");
      assertThat(second.lines()).contains("served").noneMatch(line -> line.startsWith("Building"));
    }
  }

  @Test
  void saysHowLongTheFirstStartTakes() throws IOException {
    try (BufferedReader first = start()) {
      assertThat(first.readLine()).startsWith("Building").contains("up to a minute");
      Files.writeString(home.resolve("gate"), "go\n");
      assertThat(first.lines())
          .anyMatch(line -> line.startsWith("Preparing") && line.contains("ten seconds"))
          .contains("served");
    }
  }

  /** A folder that cannot be written stops root too when it is a file. */
  @Test
  void advisesWhereItCannotBeBuilt() throws IOException, InterruptedException {
    Files.createFile(home.resolve("target"));
    Process process = run(home.resolve("free-llm-proxy").toString());
    try (BufferedReader said = process.inputReader()) {
      assertThat(said.lines()).anyMatch(line -> line.contains("cannot be written")).hasSize(3);
    }
    assertThat(process.waitFor()).isEqualTo(69);
  }

  private BufferedReader startBehind(BufferedReader first) throws IOException {
    assertThat(first.readLine()).startsWith("Building");
    return start();
  }

  /** What it prints on both streams. */
  private BufferedReader start() throws IOException {
    return run(home.resolve("free-llm-proxy").toString()).inputReader();
  }

  private Process run(String... command) throws IOException {
    var builder = new ProcessBuilder(command).directory(home.toFile()).redirectErrorStream(true);
    var environment = builder.environment();
    environment.put("JAVA_HOME", home.resolve("jdk").toString());
    environment.merge("PATH", home + ":", (path, mine) -> mine + path);
    return builder.start();
  }

  private void script(String name, String text) throws IOException {
    Path file = home.resolve(name);
    Files.write(file, List.of(text.startsWith("#!") ? text : "#!/bin/sh\n" + text));
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }
}

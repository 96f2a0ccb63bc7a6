package freellmproxy.build;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The start script takes a JDK that is new enough, wherever that one says its version. */
@Timeout(60)
final class StartScriptJavaTest {
  @TempDir Path folder;

  private Path home;

  @BeforeEach
  void makeABuiltHome() throws IOException {
    home = Files.createDirectories(folder.resolve("a home"));
    Files.copy(Path.of("free-llm-proxy"), home.resolve("free-llm-proxy"));
    Files.createDirectories(home.resolve("packaging"));
    Files.createFile(home.resolve("packaging/java-options"));
    Files.copy(Path.of("packaging/find-java"), home.resolve("packaging/find-java"));
    Path sources = Files.createDirectories(home.resolve("src/main"));
    Path pom = Files.createFile(home.resolve("pom.xml"));
    Path jar = home.resolve("target/free-llm-proxy.jar");
    Files.createDirectories(jar.getParent());
    Files.createFile(jar);
    Instant built = Instant.now().minusSeconds(60);
    Files.setLastModifiedTime(jar, FileTime.from(built));
    Files.setLastModifiedTime(sources, FileTime.from(built.minusSeconds(60)));
    Files.setLastModifiedTime(pom, FileTime.from(built.minusSeconds(60)));
  }

  @Test
  void takesTheJdkOfJavaHome() throws Exception {
    Path jdk = jdk("25.0.1", true);
    assertThat(launch(Map.of("JAVA_HOME", jdk.toString()), "serve", "two words"))
        .contains("java 25.0.1", "[two words]", "[" + home + "/target/free-llm-proxy.jar]");
  }

  @Test
  void asksAJavaThatHasNoReleaseFile() throws Exception {
    Path jdk = jdk("26", false);
    assertThat(launch(Map.of("JAVA_HOME", jdk.toString()))).contains("java 26");
  }

  @Test
  void readsAReleaseFileWhoseLastLineHasNoEnd() throws Exception {
    Path jdk = jdk("25.0.3", true);
    Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"25.0.3\"");
    assertThat(launch(Map.of("JAVA_HOME", jdk.toString()))).contains("java 25.0.3");
  }

  @Test
  void followsALinkOnThePath() throws Exception {
    Path bin = Files.createDirectories(folder.resolve("bin"));
    Files.createSymbolicLink(bin.resolve("java"), jdk("25.0.2", true).resolve("bin/java"));
    String path = bin + ":" + System.getenv("PATH");
    assertThat(launch(Map.of("PATH", path))).contains("java 25.0.2");
  }

  @Test
  void startsThroughLinks() throws Exception {
    Path bin = Files.createDirectories(folder.resolve("some bin"));
    Path absolute = bin.resolve("absolute");
    Files.createSymbolicLink(absolute, home.resolve("free-llm-proxy"));
    Path relative = bin.resolve("relative");
    Files.createSymbolicLink(relative, Path.of("../a home/free-llm-proxy"));
    Path chain = bin.resolve("chain");
    Files.createSymbolicLink(chain, Path.of("relative"));
    String jdk = jdk("25.0.1", true).toString();
    for (Path link : List.of(absolute, relative, chain)) {
      ProcessBuilder script = script(Map.of("JAVA_HOME", jdk)).directory(bin.toFile());
      script.command().set(1, link.toString());
      assertThat(said(script.start())).contains("[" + home + "/target/free-llm-proxy.jar]");
      script.command().set(1, link.getFileName().toString());
      assertThat(said(script.start())).contains("[" + home + "/target/free-llm-proxy.jar]");
    }
  }

  @Test
  void passesOverAnOlderJdk() throws Exception {
    Path old = jdk("1.8.0_402", true);
    Path newer = jdk("27-ea", true);
    String path = newer.resolve("bin") + ":" + System.getenv("PATH");
    assertThat(launch(Map.of("JAVA_HOME", old.toString(), "PATH", path))).contains("java 27-ea");
  }

  /** As of a service of systemd for root. Which Java is found then depends on the machine. */
  @Test
  void looksForAJdkWithoutAHome() throws Exception {
    String path = jdk("1.8.0_402", true).resolve("bin") + ":" + System.getenv("PATH");
    ProcessBuilder script = script(Map.of("PATH", path));
    script.environment().remove("HOME");
    assertThat(said(script.start())).containsAnyOf("jarfile", "free-llm-proxy needs a JDK");
  }

  @Test
  void makesTheCacheForFastStartsOnce() throws Exception {
    Map<String, String> environment = Map.of("JAVA_HOME", jdk("25.0.1", true).toString());
    assertThat(launch(environment)).contains("Preparing fast starts", "[-XX:AOTCache=");
    assertThat(launch(environment)).doesNotContain("Preparing").contains("[-XX:AOTCache=");
  }

  /** A stand-in that says its version and arguments, and makes the cache that it is told to. */
  private Path jdk(String version, boolean withRelease) throws IOException {
    Path jdk = Files.createDirectories(folder.resolve("jdk " + version));
    if (withRelease) {
      Files.writeString(
          jdk.resolve("release"),
          "IMPLEMENTOR=\"Test\"\nJAVA_VERSION=\"" + version + "\"\nOS_NAME=\"Linux\"\n");
    }
    Path java = Files.createDirectories(jdk.resolve("bin")).resolve("java");
    Files.writeString(
        java,
        """
        #!/bin/sh
        for each in "$@"; do
          case $each in
            -version) echo 'openjdk version "VERSION" 2025-10-21' >&2 ;;
            -XX:AOTCacheOutput=*) : >"${each#*=}" ;;
          esac
          said="${said:-}[$each]"
        done
        echo "java VERSION $said"
        """
            .replace("VERSION", version));
    assertThat(java.toFile().setExecutable(true)).isTrue();
    return jdk;
  }

  /** What the script and its Java say when they start. */
  private String launch(Map<String, String> environment, String... arguments) throws Exception {
    Process process = script(environment, arguments).start();
    String said = said(process);
    assertThat(process.waitFor()).as(said).isZero();
    return said;
  }

  private ProcessBuilder script(Map<String, String> environment, String... arguments) {
    var script = new ProcessBuilder("sh", home.resolve("free-llm-proxy").toString());
    script.command().addAll(List.of(arguments));
    script.environment().remove("JAVA_HOME");
    script.environment().putAll(environment);
    return script.redirectErrorStream(true);
  }

  /** On both outputs. */
  private static String said(Process process) throws IOException {
    return new String(process.getInputStream().readAllBytes(), UTF_8);
  }
}

package freellmproxy.build;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The image without Docker: what the first stage copies is copied here, and {@code packaging/dist}
 * runs on it with a JDK of stand-ins, so that what is missing in the image is missing here.
 */
@Timeout(60)
final class DockerfileTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  /** What follows an instruction, each time it stands there; a line may go on in the next. */
  private static List<String> all(String instruction) throws IOException {
    String text = Files.readString(Path.of("Dockerfile")).replace("\\\n", " ");
    return text.lines()
        .filter(line -> line.startsWith(instruction + " "))
        .map(line -> line.substring(instruction.length()).strip())
        .toList();
  }

  /** The folder that the first stage builds in. */
  private Path copied() throws IOException {
    Path stage = Files.createDirectories(folder.resolve("stage"));
    for (String copy : all("COPY")) {
      List<String> words = Arrays.asList(copy.split(" +"));
      if (words.getFirst().startsWith("--from")) {
        continue;
      }
      Path to = stage.resolve(words.getLast()).normalize();
      for (String source : words.subList(0, words.size() - 1)) {
        // Of a folder Docker copies what is in it.
        boolean isFolder = Files.isDirectory(Path.of(source));
        copy(Path.of(source), isFolder ? to : to.resolve(source));
      }
    }
    return stage;
  }

  /** A pattern of .dockerignore means what it matches and all that is in it. */
  private static boolean isIgnored(Path file) {
    try {
      List<PathMatcher> patterns =
          Files.readAllLines(Path.of(".dockerignore")).stream()
              .filter(line -> !line.isBlank() && !line.startsWith("#"))
              .map(line -> line.strip().replaceFirst("/$", ""))
              .map(line -> FileSystems.getDefault().getPathMatcher("glob:" + line))
              .toList();
      return IntStream.rangeClosed(1, file.getNameCount())
          .mapToObj(length -> file.subpath(0, length))
          .anyMatch(part -> patterns.stream().anyMatch(pattern -> pattern.matches(part)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path each : all.filter(file -> !isIgnored(file)).toList()) {
        Path target = to.resolve(from.relativize(each).toString());
        if (Files.isDirectory(each)) {
          Files.createDirectories(target);
        } else {
          Files.createDirectories(target.getParent());
          Files.copy(each, target, StandardCopyOption.COPY_ATTRIBUTES);
        }
      }
    }
  }

  /** Tools that do nothing but leave the files that are expected of them. */
  private Path jdk() throws IOException {
    Path jdk = Files.createDirectories(folder.resolve("jdk"));
    Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"25.0.1\"\n");
    Files.createDirectories(jdk.resolve("bin"));
    tool(jdk, "java", "");
    tool(jdk, "jdeps", "echo java.base,java.sql");
    tool(jdk, "jar", "mkdir -p META-INF/native; : >\"$3\"");
    tool(
        jdk,
        "jlink",
        """
        for last in "$@"; do :; done
        mkdir -p "$last/bin"
        printf '#!/bin/sh\\nfor each in "$@"; do case $each in -XX:AOTCacheOutput=*) : >"${each#*=}" ;; esac; done\\n' >"$last/bin/java"
        chmod +x "$last/bin/java"\
        """);
    return jdk;
  }

  private static void tool(Path jdk, String name, String text) throws IOException {
    Path file = jdk.resolve("bin").resolve(name);
    Files.writeString(file, "#!/bin/sh\n" + text + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private static String run(Path folder, Map<String, String> environment, String... command)
      throws IOException, InterruptedException {
    var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    return said;
  }

  @Test
  void hasAllThatItsStagesNeed() throws IOException, InterruptedException {
    Path stage = copied();
    assertThat(stage.resolve("pom.xml")).exists();
    assertThat(
            Pattern.compile("\\$\\{project\\.basedir}/([^<\"]+)")
                .matcher(Files.readString(Path.of("pom.xml")))
                .results()
                .map(match -> match.group(1)))
        .isNotEmpty()
        .allSatisfy(file -> assertThat(stage.resolve(file)).exists());
    Files.createDirectories(stage.resolve("target"));
    Files.writeString(stage.resolve("target/free-llm-proxy.jar"), "jar");
    Path jdk = jdk();
    String path = jdk.resolve("bin") + ":" + System.getenv("PATH");
    run(
        stage,
        Map.of("JAVA_HOME", jdk.toString(), "PATH", path),
        stage.resolve("packaging/dist").toString(),
        "1.2.3");
    Path image = Files.createDirectories(folder.resolve("opt/free-llm-proxy"));
    run(
        stage,
        Map.of(),
        "sh",
        "-c",
        "tar -C " + image + " --strip-components=1 -xzf dist/free-llm-proxy-1.2.3-*.tar.gz");
    String begin = all("ENTRYPOINT").getFirst() + all("HEALTHCHECK").getFirst();
    List<String> programs =
        Pattern.compile("\"/(opt/[^\"]+)\"")
            .matcher(begin + Files.readString(Path.of("docker-compose.yml")))
            .results()
            .map(match -> match.group(1))
            .toList();
    assertThat(programs)
        .hasSize(3)
        .allSatisfy(program -> assertThat(folder.resolve(program)).isExecutable());
    assertThat(image.resolve("LICENSE")).exists();
    assertThat(image.resolve("lib/free-llm-proxy.aot")).exists();
  }

  /** An image that is another one tomorrow breaks unseen. */
  @Test
  void namesTheMinorVersionsOfItsImages() throws IOException {
    assertThat(all("FROM"))
        .hasSize(2)
        .allSatisfy(image -> assertThat(image).containsPattern(":\\d+\\.\\d+[.-]"));
  }

  @Test
  void findsOutWhetherTheProxyLivesWithoutJava() throws IOException, InterruptedException {
    String check = Path.of("packaging/healthcheck").toAbsolutePath().toString();
    try (var proxy = TestProxy.start()) {
      String port = String.valueOf(proxy.port());
      assertThat(run(folder, Map.of("PORT", port, "HOST", "0.0.0.0"), check))
          .contains("/health answered HTTP/1.1 200");
      for (String line :
          List.of("PORT=%s", "export PORT=\"%s\"", "PORT = '%s' # mine", "PORT=%s\r")) {
        Files.writeString(folder.resolve(".env"), "PORT=1\n" + line.formatted(port) + "\n");
        assertThat(run(folder, Map.of("PORT", "", "HOST", ""), check)).contains("200");
      }
    }
    var builder = new ProcessBuilder(check).redirectErrorStream(true);
    builder.environment().putAll(Map.of("PORT", String.valueOf(freePort()), "HOST", ""));
    Process process = builder.start();
    process.getInputStream().readAllBytes();
    assertThat(process.waitFor()).isEqualTo(1);
  }

  private static int freePort() throws IOException {
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }
}

package freellmproxy.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.Main;
import freellmproxy.sandbox.SandboxUpstream;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The proxy as a process of its own, with all it writes. */
public final class ProxyProcessUnderTest implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Process process;
  private final Path folder;
  private final BufferedReader reader;
  private final StringBuilder output = new StringBuilder();

  private ProxyProcessUnderTest(Process process, Path folder) {
    this.process = process;
    this.folder = folder;
    this.reader = process.inputReader(UTF_8);
  }

  /** Starts it in an empty folder, with this environment and nothing else. */
  public static ProxyProcessUnderTest start(Map<String, String> environment, String... arguments)
      throws IOException {
    return start(environment, Stream.of(), absoluteClassPath(), Stream.of(arguments));
  }

  /**
   * Serves with no more open files, connections among them, than this.
   *
   * @param jar is made for it: a class in a folder would need a file more
   */
  public static ProxyProcessUnderTest startWithFiles(
      int files, Path jar, Map<String, String> environment) throws IOException {
    String folder = Path.of("target", "classes").toAbsolutePath().toString();
    ToolProvider.findFirst("jar")
        .orElseThrow()
        .run(System.out, System.err, "-cf", jar.toString(), "-C", folder, ".");
    String classPath = absoluteClassPath().replace(folder, jar.toString());
    String limited = "ulimit -n " + files + " && exec \"$@\"";
    return start(environment, Stream.of("/bin/sh", "-c", limited, "sh"), classPath, Stream.of());
  }

  private static ProxyProcessUnderTest start(
      Map<String, String> environment,
      Stream<String> wrapper,
      String classPath,
      Stream<String> arguments)
      throws IOException {
    Path folder = Files.createTempDirectory("proxy-process");
    Stream<String> java =
        Stream.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            classPath,
            Main.class.getName());
    List<String> command = Stream.of(wrapper, java, arguments).flatMap(part -> part).toList();
    var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().putAll(environment);
    return new ProxyProcessUnderTest(builder.start(), folder);
  }

  /** The process runs in another folder. */
  private static String absoluteClassPath() {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
        .map(entry -> Path.of(entry).toAbsolutePath().toString())
        .collect(Collectors.joining(File.pathSeparator));
  }

  /**
   * What it needs in its environment to serve from this sandbox, on a free port.
   *
   * @param more given as name, value, name, value
   */
  public static Map<String, String> environment(SandboxUpstream sandbox, String... more) {
    var environment = new HashMap<String, String>();
    environment.put("OPENROUTER_API_KEY", TestProxy.UPSTREAM_KEY);
    environment.put("PROXY_API_KEY", TestProxy.KEY);
    environment.put("MODELS_LIST_URL", sandbox.modelListUrl().toString());
    environment.put("UPSTREAM_BASE_URL", sandbox.baseUrl().toString());
    environment.put("HOST", "127.0.0.1");
    environment.put("PORT", "0");
    for (int i = 0; i < more.length; i += 2) {
      environment.put(more[i], more[i + 1]);
    }
    return environment;
  }

  /** Reads on until this event is logged. */
  public JsonNode awaitEvent(String event) throws IOException {
    for (String line = readLine(); line != null; line = readLine()) {
      // The JVM may say something of its own in between.
      JsonNode json = line.startsWith("{") ? JSON.readTree(line) : JSON.missingNode();
      if (json.path("event").asText().equals(event)) {
        return json;
      }
    }
    throw new AssertionError("ended without " + event + ":\n" + output);
  }

  /** Reads on until a line has this text in it. */
  public String awaitLine(String text) throws IOException {
    for (String line = readLine(); line != null; line = readLine()) {
      if (line.contains(text)) {
        return line;
      }
    }
    throw new AssertionError("ended without " + text + ":\n" + output);
  }

  /** Its number. */
  public long pid() {
    return process.pid();
  }

  /** The most memory that it ever had, in bytes; 0 where the system does not say. */
  public long peakMemory() throws IOException {
    Path status = Path.of("/proc", Long.toString(pid()), "status");
    if (!Files.exists(status)) {
      return 0;
    }
    try (Stream<String> lines = Files.lines(status)) {
      return lines
          .filter(line -> line.startsWith("VmHWM:"))
          .map(line -> line.replaceAll("[^0-9]", ""))
          .mapToLong(kilobytes -> Long.parseLong(kilobytes) << 10)
          .findFirst()
          .orElse(0);
    }
  }

  private @Nullable String readLine() throws IOException {
    String line = reader.readLine();
    if (line != null) {
      output.append(line).append('\n');
    }
    return line;
  }

  /** Sends a chat request and reads the answer to its end. */
  public String chat(int port, String body) throws IOException {
    try (var client = RawConnection.to(port)) {
      return client.chat(body, "Connection: close").readAll();
    }
  }

  /** Has the list read anew, which ends all rests. */
  public void refresh(int port) throws IOException {
    try (var client = RawConnection.to(port)) {
      client
          .send(
              "POST /admin/refresh HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer "
                  + TestProxy.KEY
                  + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
          .readAll();
    }
  }

  /** Writes the settings file of the folder it runs in. */
  public void writeDotEnv(String... lines) throws IOException {
    Files.write(folder.resolve(".env"), List.of(lines));
  }

  /** SIGHUP. */
  public void hangUp() throws IOException {
    try {
      int code = new ProcessBuilder("kill", "-HUP", Long.toString(process.pid())).start().waitFor();
      if (code != 0) {
        throw new AssertionError("kill ended with " + code);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** SIGTERM; the exit code. */
  public int stop() throws IOException {
    // Through the handle: Process.destroy would close the output too.
    process.toHandle().destroy();
    return exitCode();
  }

  /** Waits for the end. */
  public int exitCode() throws IOException {
    while (readLine() != null) {
      // All that is written belongs to the output.
    }
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        throw new AssertionError("the process did not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
    return process.exitValue();
  }

  /** What it has written so far, as far as it was read. */
  public String output() {
    return output.toString();
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    Files.deleteIfExists(folder.resolve(".env"));
    Files.deleteIfExists(folder);
  }
}

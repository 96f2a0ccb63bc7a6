package freellmproxy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import freellmproxy.config.SettingsLoader;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What serve prints at a terminal works when it is pasted into one, and shows no key. */
final class StartBlockTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private String block(TestProxy proxy, Map<String, String> environment) {
    var all = new HashMap<>(environment);
    all.put("OPENROUTER_API_KEY", TestProxy.UPSTREAM_KEY);
    all.put("HOST", "127.0.0.1");
    var loaded = (SettingsLoader.Result.Loaded) SettingsLoader.load(all, folder.resolve(".env"));
    String block =
        StartBlock.of(
            loaded,
            folder.resolve(".env"),
            proxy.port(),
            TestProxy.await(proxy.proxy().firstReading()));
    assertThat(block).doesNotContain(TestProxy.KEY).contains(TestProxy.FIRST);
    return block;
  }

  private static String pasted(String block, Map<String, String> environment)
      throws IOException, InterruptedException {
    assumeTrue(
        new ProcessBuilder("sh", "-c", "command -v curl").start().waitFor() == 0, "curl is needed");
    var shell = new ProcessBuilder("sh", "-c", block.substring(block.indexOf("curl ")));
    shell.environment().putAll(environment);
    return new String(shell.start().getInputStream().readAllBytes(), UTF_8);
  }

  @Test
  void findsTheKeyInTheFile() throws IOException, InterruptedException {
    folder = Files.createDirectory(folder.resolve("it's here"));
    Files.writeString(folder.resolve(".env"), "# keys\nPROXY_API_KEY=" + TestProxy.KEY + "\n");
    try (var proxy = TestProxy.start()) {
      assertThat(pasted(block(proxy, Map.of()), Map.of())).contains("fake OpenRouter");
    }
  }

  @Test
  void takesTheKeyFromTheEnvironment() throws IOException, InterruptedException {
    Map<String, String> environment = Map.of("PROXY_API_KEY", TestProxy.KEY);
    try (var proxy = TestProxy.start()) {
      assertThat(pasted(block(proxy, environment), environment)).contains("fake OpenRouter");
    }
  }

  @Test
  void leavesTheKeyToThePersonWhereAShellWouldReadAnother() throws IOException {
    try (var proxy = TestProxy.start()) {
      for (String line :
          List.of(
              "PROXY_API_KEY=\"KEY\"", "PROXY_API_KEY=KEY # mine", "export PROXY_API_KEY=KEY")) {
        for (String end : List.of("\n", "\r\n")) {
          Files.writeString(
              folder.resolve(".env"), line.replaceFirst("KEY(?=\"| |$)", TestProxy.KEY) + end);
          assertThat(block(proxy, Map.of())).contains("Bearer KEY\"");
        }
      }
    }
  }
}

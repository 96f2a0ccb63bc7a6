package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static freellmproxy.testing.TestProxy.FIRST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongPredicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The proxy may open no more connections: that is its own fault, no model's. */
final class OpenFilesTest {
  private static final int FILES = 256;
  private static final Path PROC = Path.of("/proc/self/fd");

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  @Test
  void blamesNoModelForTheConnectionThatTheProxyMayNotOpen() throws IOException {
    assumeTrue(Files.isDirectory(PROC), "a system that shows the open files of a process");
    List<RawConnection> idle = new ArrayList<>();
    try (var upstream = TestProxy.start();
        var process =
            ProxyProcessUnderTest.startWithFiles(
                FILES,
                folder.resolve("proxy.jar"),
                ProxyProcessUnderTest.environment(upstream.sandbox()))) {
      assertThat(process.awaitEvent("setting_warning").path("warning").asText())
          .contains("only " + FILES + " files", "ulimit -n");
      int port = process.awaitEvent("started").path("port").asInt();
      process.awaitEvent("snapshot_refreshed");
      try (var client = RawConnection.to(port)) {
        client.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n").readUntil("}");
        for (int i = 0; i < FILES; i++) {
          idle.add(RawConnection.to(port));
        }
        awaitOpenFiles(process, open -> open == FILES);
        assertThat(client.chat(CHAT).readUntil("}}"))
            .startsWith("HTTP/1.1 503 ")
            .contains("retry-after: 1", "\"code\":\"proxy_overloaded\"", "ulimit");
        close(idle);
        JsonNode failure = process.awaitEvent("accept_failed");
        assertThat(failure.path("error").asText()).contains("Too many open files");
        assertThat(failure.path("fix").asText()).contains("ulimit -n");
        awaitOpenFiles(process, open -> open < FILES - 10);
        assertThat(client.chat(CHAT).readUntil("fake OpenRouter."))
            .startsWith("HTTP/1.1 200 ")
            .contains("x-free-llm-proxy-model: " + FIRST, "x-free-llm-proxy-attempts: 1");
      }
      assertThat(process.stop()).isZero();
      assertThat(process.output())
          .containsOnlyOnce("accept_failed")
          .doesNotContain("exceptionCaught");
    } finally {
      close(idle);
    }
  }

  private static void close(List<RawConnection> connections) throws IOException {
    for (RawConnection connection : connections) {
      connection.close();
    }
  }

  private static void awaitOpenFiles(ProxyProcessUnderTest process, LongPredicate enough)
      throws IOException {
    long end = System.nanoTime() + 30_000_000_000L;
    while (!enough.test(openFiles(process.pid()))) {
      assertThat(System.nanoTime()).as("open files do not become so many").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  private static long openFiles(long pid) throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc/" + pid + "/fd"))) {
      return files.count();
    }
  }
}

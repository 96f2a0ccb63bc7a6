package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.Events;
import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract sections 10 and 11. */
final class ObservationTest {
  private static final Behaviour ANSWER_WITHOUT_HTTP =
      Behaviour.of(new Step.Raw("SECRET answer\r\n\r\n".getBytes(UTF_8)), new Step.Fin());

  @Test
  void countsEveryRequestOnceUnderItsTerminalStatus() {
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().script(FIRST, Faults.error(429, "x"));
      proxy.chat();
      proxy.stream();
      proxy.post("[]");
      proxy.get("/v1/models");
      assertThat(proxy.settledMetrics())
          .contains(
              "freellm_requests_total{status=\"200\"} 2.0",
              "freellm_requests_total{status=\"400\"} 1.0",
              "freellm_upstream_attempts_total{model_id=\""
                  + FIRST
                  + "\",outcome=\"rate_limited\"} 1.0",
              "freellm_upstream_attempts_total{model_id=\""
                  + SECOND
                  + "\",outcome=\"success\"} 2.0",
              "freellm_request_duration_seconds_count 3",
              "freellm_time_to_first_event_seconds_count 1",
              "freellm_overhead_seconds_count 2",
              "freellm_active_models 5.0",
              "freellm_cooldown_models 1.0",
              "freellm_inflight_requests 0.0",
              "jvm_memory_used_bytes");
    }
  }

  @Test
  void writesOneJsonLineForEachRequestAndNeverASecret() throws IOException {
    try (var proxy = TestProxy.start();
        var process = ProxyProcessUnderTest.start(debugging(proxy.sandbox()))) {
      JsonNode started = process.awaitEvent("started");
      process.awaitEvent("snapshot_refreshed");
      int port = started.path("port").asInt();
      proxy.sandbox().script(FIRST, Faults.error(502, "x"));
      process.chat(port, "{\"stream\":true,\"messages\":[\"my prompt\"],\"tools\":[{}]}");
      JsonNode done = process.awaitEvent("request_done");
      assertThat(done.path("ts").asText()).matches("\\d{4}-\\d\\d-\\d\\dT.*Z");
      assertThat(done.path("level").asText()).isEqualTo("INFO");
      assertThat(done.path("logger").asText()).startsWith("freellmproxy.");
      assertThat(done.path("status").asInt()).isEqualTo(200);
      assertThat(done.path("chosen_model").asText()).isEqualTo(SECOND);
      assertThat(done.path("stream").asBoolean()).isTrue();
      assertThat(done.path("had_tools").asBoolean()).isTrue();
      assertThat(done.path("mid_stream_error").asBoolean(true)).isFalse();
      assertThat(done.path("chunks_emitted").asInt()).isPositive();
      assertThat(done.path("ttft_ms").isNumber()).isTrue();
      JsonNode first = done.path("attempts").path(0);
      assertThat(first.path("outcome").asText()).isEqualTo("upstream_error");
      assertThat(first.path("status").asInt()).isEqualTo(502);
      assertThat(first.has("cooldown_until")).isTrue();
      process.chat(port, "{\"messages\":7,\"seed\":1}");
      JsonNode rejected = process.awaitEvent("request_rejected");
      assertThat(rejected.path("reason").asText()).isEqualTo("invalid_request");
      assertThat(rejected.path("had_seed").asBoolean()).isTrue();
      assertThat(rejected.path("snapshot_size").asInt()).isEqualTo(6);
      proxy.sandbox().script(SECOND, Faults.error(401, "No auth credentials found"));
      process.chat(port, "{\"model\":\"gpt-4o\",\"messages\":[\"my prompt\"]}");
      JsonNode refused = process.awaitEvent("request_done");
      assertThat(refused.path("level").asText()).isEqualTo("ERROR");
      assertThat(refused.path("key_tail").asText()).isEqualTo("...3210 (len=28)");
      assertThat(process.stop()).isZero();
      assertThat(process.output()).contains("model_ignored", "stopping", "stopped");
      for (String line : process.output().lines().toList()) {
        assertThat(new ObjectMapper().readTree(line.getBytes(UTF_8)).isObject()).isTrue();
        assertThat(line)
            .doesNotContain(List.of(TestProxy.KEY, TestProxy.UPSTREAM_KEY, "my prompt"));
      }
    }
  }

  /** One event that cannot be read is a failure; of those behind it nobody hears. */
  @Test
  void logsAFloodOfUnreadableEventsAsTheFailureOfOneAnswer() throws IOException {
    String unreadable = "data: x\n\n".repeat(10_000);
    try (var proxy = TestProxy.start();
        var process =
            ProxyProcessUnderTest.start(ProxyProcessUnderTest.environment(proxy.sandbox()))) {
      int port = process.awaitEvent("started").path("port").asInt();
      process.awaitEvent("snapshot_refreshed");
      proxy.sandbox().script(FIRST, Faults.stream(Events.content("Hi"), unreadable, Events.STOP));
      proxy.sandbox().script(SECOND, Faults.stream(unreadable));
      for (int i = 0; i < 2; i++) {
        assertThat(process.chat(port, CHAT.replaceFirst("\\{", "{\"stream\":true,")))
            .startsWith("HTTP/1.1 200 ");
      }
      assertThat(process.stop()).isZero();
      assertThat(process.output().lines().filter(line -> line.contains("\"WARN\"")))
          .singleElement()
          .satisfies(line -> assertThat(line).contains("request_done", "mid_stream_error\":true"));
    }
  }

  /** Clients put their key where it does not belong. */
  @ParameterizedTest
  @ValueSource(strings = {"json", "text"})
  void logsNoKeyThatAClientSendsAsSomethingElse(String format) throws IOException {
    try (var proxy = TestProxy.start()) {
      var environment =
          ProxyProcessUnderTest.environment(
              proxy.sandbox(), "LOG_LEVEL", "DEBUG", "LOG_FORMAT", format);
      try (var process = ProxyProcessUnderTest.start(environment)) {
        String port = process.awaitLine("started").replaceAll(".*port\\W+(\\d+).*", "$1");
        try (var client = RawConnection.to(Integer.parseInt(port))) {
          client.chat(
              "{\"model\":\"%s\",\"messages\":[]}".formatted(TestProxy.KEY),
              "x-request-id: Bearer:" + TestProxy.UPSTREAM_KEY);
          client.readUntil("fake OpenRouter.");
        }
        assertThat(process.stop()).isZero();
        assertThat(process.output())
            // People read no request ids.
            .contains(
                "model_ignored",
                "...6789 (len=25)",
                format.equals("json") ? "Bearer:...3210 (len=28)" : " 200 ")
            .doesNotContain(TestProxy.KEY, TestProxy.UPSTREAM_KEY);
      }
    }
  }

  /** Clients leave and idle connections are reset every day; nothing is wrong with the proxy. */
  @Test
  void logsNoErrorWhenOthersHangUp() throws IOException {
    try (var proxy = TestProxy.start();
        var process =
            ProxyProcessUnderTest.start(ProxyProcessUnderTest.environment(proxy.sandbox()))) {
      int port = process.awaitEvent("started").path("port").asInt();
      process.awaitEvent("snapshot_refreshed");
      var answered = new Gate();
      proxy.sandbox().script(FIRST, thenReset(answered), Faults.silence());
      assertThat(process.chat(port, CHAT)).startsWith("HTTP/1.1 200 ");
      answered.open();
      for (int i = 0; i < 10; i++) {
        try (var client = RawConnection.to(port).chat(CHAT)) {
          client.socket().setSoLinger(true, 0);
        }
      }
      proxy.sandbox().script(FIRST, ChatAnswer.standard());
      assertThat(process.chat(port, CHAT)).startsWith("HTTP/1.1 200 ");
      assertThat(process.stop()).isZero();
      assertThat(process.output().lines()).noneMatch(line -> line.contains("\"ERROR\""));
    }
  }

  /**
   * An upstream that does not speak HTTP is the upstream's fault, and what it said is not logged.
   */
  @Test
  void logsNoErrorAndNothingOfAnAnswerThatIsNotHttp() throws IOException {
    try (var proxy = TestProxy.start();
        var process =
            ProxyProcessUnderTest.start(ProxyProcessUnderTest.environment(proxy.sandbox()))) {
      int port = process.awaitEvent("started").path("port").asInt();
      process.awaitEvent("snapshot_refreshed");
      // Each event loop has a connection of its own.
      for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
        assertThat(process.chat(port, CHAT)).startsWith("HTTP/1.1 200 ");
      }
      // The first call finds the pooled connection stale; what follows is on a fresh one.
      proxy.sandbox().script(FIRST, Faults.hangUp(), ANSWER_WITHOUT_HTTP, ChatAnswer.standard());
      assertThat(process.chat(port, CHAT)).startsWith("HTTP/1.1 200 ");
      assertThat(process.stop()).isZero();
      assertThat(process.output()).doesNotContain("\"ERROR\"").doesNotContainIgnoringCase("secret");
    }
  }

  private static Behaviour thenReset(Gate gate) {
    return request -> {
      var steps = new ArrayList<>(ChatAnswer.standard().steps(request));
      steps.add(new Step.Hold(gate));
      steps.add(new Step.Reset());
      return steps;
    };
  }

  private static Map<String, String> debugging(SandboxUpstream sandbox) {
    return ProxyProcessUnderTest.environment(sandbox, "LOG_LEVEL", "DEBUG");
  }

  @Test
  void saysAllThatIsMissingAndEndsWithTheCodeForBadSettings() throws IOException {
    try (var process = ProxyProcessUnderTest.start(Map.of("PORT", "many"))) {
      assertThat(process.exitCode()).isEqualTo(78);
      assertThat(process.output())
          .contains("OPENROUTER_API_KEY", "openrouter.ai/settings/keys", "PROXY_API_KEY", "PORT");
    }
  }
}

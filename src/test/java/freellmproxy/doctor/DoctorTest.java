package freellmproxy.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.config.SettingsLoader;
import freellmproxy.doctor.Finding.State;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.testing.TestProxy;
import io.vertx.core.Vertx;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the doctor says of a healthy proxy and of each thing that can be wrong. */
final class DoctorTest {
  private static final String KEY = "sk-or-doctor-test-key-7777";
  private final Vertx vertx = Vertx.vertx();
  private final SandboxUpstream sandbox =
      TestProxy.await(
          SandboxUpstream.start(
              vertx, new SandboxUpstream.Options(0, SandboxUpstream.Recording.ON, null)));

  @TempDir Path folder;

  @AfterEach
  void close() {
    TestProxy.await(vertx.close());
  }

  private List<Finding> examine(boolean complete, String... more) {
    return Doctor.examine(vertx, load(more), complete);
  }

  private SettingsLoader.Result load(String... more) {
    Map<String, String> environment = new HashMap<>();
    environment.put("OPENROUTER_API_KEY", KEY);
    environment.put("PROXY_API_KEY", "doctor-test-proxy-key");
    environment.put("MODELS_LIST_URL", sandbox.modelListUrl().toString());
    environment.put("UPSTREAM_BASE_URL", sandbox.baseUrl().toString());
    environment.put("HOST", "127.0.0.1");
    environment.put("PORT", "0");
    for (int i = 0; i < more.length; i += 2) {
      environment.put(more[i], more[i + 1]);
    }
    return SettingsLoader.load(environment, folder.resolve(".env"));
  }

  private static Finding find(List<Finding> findings, String check) {
    return findings.stream()
        .filter(finding -> finding.check().equals(check))
        .reduce((first, second) -> second)
        .orElseThrow(() -> new AssertionError(check + " is missing in " + findings));
  }

  @Test
  void findsNothingWrongAndAsksForNoCompletion() {
    List<Finding> findings = examine(false);
    assertThat(Doctor.isFine(findings)).as(findings.toString()).isTrue();
    assertThat(find(findings, "list").detail()).contains("models, best is");
    assertThat(find(findings, "key").detail()).contains("of 50 free requests", "...7777");
    assertThat(find(findings, "settings").detail())
        .contains("HOST=127.0.0.1 (environment)")
        .doesNotContain(KEY);
    assertThat(sandbox.received()).isEmpty();
    assertThat(Doctor.table(findings)).contains("✓ key").doesNotContain(KEY);
    assertThat(Doctor.json(findings)).contains("\"ok\" : true").doesNotContain(KEY);
  }

  @Test
  void triesOneModelWhenTold() {
    assertThat(find(examine(true), "try").detail()).endsWith("answered");
    assertThat(sandbox.received()).hasSize(1);
  }

  @Test
  void namesEverySettingThatIsWrong() {
    List<Finding> findings =
        examine(false, "PORT", "many", "OPENROUTER_API_KEY", "sk-or-v1-paste-your-key-here");
    assertThat(Doctor.isFine(findings)).isFalse();
    assertThat(Doctor.table(findings)).contains("✗ settings  PORT", "placeholder");
  }

  @Test
  void callsOutThatTheEnvironmentAndTheFileDisagree() throws Exception {
    Files.writeString(folder.resolve(".env"), "OPENROUTER_API_KEY=sk-or-another-key-8888\n");
    Finding finding = find(examine(false), "settings");
    assertThat(finding.state()).isEqualTo(State.WARNING);
    assertThat(finding.detail()).contains("...7777", "...8888", "the environment wins");
  }

  @Test
  void namesWhoUsesThePort() {
    int port = sandbox.baseUrl().getPort();
    Finding used = find(examine(false, "PORT", "" + port), "port");
    assertThat(used.state()).isEqualTo(State.FAULT);
    assertThat(used.detail()).contains(port + " is used by").contains("(process ");
  }

  @Test
  void looksAtTheRunningProxyAndItsKey() {
    try (var proxy = TestProxy.start()) {
      List<Finding> findings = examine(false, "PORT", "" + proxy.port());
      assertThat(find(findings, "port").detail()).contains("running free-llm-proxy");
      assertThat(find(findings, "proxy").detail()).contains("another PROXY_API_KEY");
      findings = examine(false, "PORT", "" + proxy.port(), "PROXY_API_KEY", TestProxy.KEY);
      assertThat(find(findings, "proxy").detail()).contains("ready, ");
    }
  }

  @Test
  void saysWhatCannotBeReached() {
    List<Finding> findings =
        examine(
            false,
            "MODELS_LIST_URL",
            sandbox.baseUrl() + "/nothing",
            "UPSTREAM_BASE_URL",
            "http://127.0.0.1:1/api/v1");
    assertThat(find(findings, "list").detail()).contains("it answered 404");
    assertThat(find(findings, "upstream").state()).isEqualTo(State.FAULT);
    assertThat(Doctor.isFine(findings)).isFalse();
  }
}

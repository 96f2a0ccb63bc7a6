package freellmproxy.doctor;

import static freellmproxy.testing.TestCertificate.TWO_ADDRESSES;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.doctor.Finding.State;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.TestProxy;
import io.vertx.core.Vertx;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the doctor says of a healthy proxy and of each thing that can be wrong. */
final class DoctorTest {
  private static final String KEY = "sk-or-doctor-test-key-7777";
  private final Vertx vertx = Vertx.vertx();
  private final SandboxUpstream sandbox =
      TestProxy.await(SandboxUpstream.start(vertx, SandboxUpstream.Options.FOR_TESTS));

  @TempDir Path folder;

  @AfterEach
  void close() {
    TestProxy.await(vertx.close());
  }

  private Report examine(boolean complete, String... more) {
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
    var surroundings =
        new Surroundings(
            environment,
            folder.resolve(".env"),
            Runtime.version(),
            400L << 20,
            Optional.empty(),
            Duration.ofSeconds(15));
    return Doctor.examine(vertx, surroundings, complete);
  }

  private static Finding find(Report report, String check) {
    return report.findings().stream()
        .filter(finding -> finding.check().equals(check))
        .reduce((first, second) -> second)
        .orElseThrow(() -> new AssertionError(check + " is missing in " + report));
  }

  @Test
  void findsNothingWrongAndAsksForNoCompletion() {
    Report report = examine(false);
    assertThat(report.isFine()).as(report.table()).isTrue();
    assertThat(find(report, "list").detail()).contains("models, best is");
    assertThat(find(report, "key").detail()).contains("of 50 free requests", "...7777");
    assertThat(find(report, "settings").detail())
        .contains("HOST=127.0.0.1 (environment)")
        .doesNotContain(KEY);
    assertThat(sandbox.received()).isEmpty();
    assertThat(report.table()).contains("✓ key").doesNotContain(KEY);
    assertThat(report.json()).contains("\"ok\" : true").doesNotContain(KEY);
  }

  @Test
  void reachesWhatOnlyTheSecondAddressOfANameAnswersFor() {
    String list = sandbox.modelListUrl().toString().replace("127.0.0.1", TWO_ADDRESSES);
    String upstream = sandbox.baseUrl().toString().replace("127.0.0.1", TWO_ADDRESSES);
    Report report = examine(false, "MODELS_LIST_URL", list, "UPSTREAM_BASE_URL", upstream);
    assertThat(report.isFine()).as(report.table()).isTrue();
  }

  @Test
  void triesOneModelWhenTold() {
    assertThat(find(examine(true), "try").detail()).endsWith("answered");
    assertThat(sandbox.received()).hasSize(1);
  }

  @Test
  void namesEverySettingThatIsWrong() {
    Report report =
        examine(false, "PORT", "many", "OPENROUTER_API_KEY", "sk-or-v1-paste-your-key-here");
    assertThat(report.isFine()).isFalse();
    assertThat(report.table()).contains("✗ settings  PORT", "placeholder");
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

  /** Two processes may have the same port, each at an address of its own. */
  @Test
  void namesWhoUsesThePortAtItsAddress() throws Exception {
    try (var other = ProxyProcessUnderTest.start(Map.of(), "sandbox")) {
      int port = URI.create(other.awaitLine("MODELS_LIST_URL=").replaceFirst(".*=", "")).getPort();
      TestProxy.await(
          vertx
              .createHttpServer()
              .requestHandler(request -> request.response().end())
              .listen(port, "127.0.0.2"));
      assertThat(find(examine(false, "HOST", "127.0.0.1", "PORT", "" + port), "port").detail())
          .contains("(process " + other.pid() + ")");
      assertThat(find(examine(false, "HOST", "127.0.0.2", "PORT", "" + port), "port").detail())
          .contains("(process " + ProcessHandle.current().pid() + ")");
    }
  }

  /** Root may open every port, so this is not tried for real. */
  @Test
  void doesNotTakeAPortThatNeedsRightsForOneInUse() {
    var refusal = new BindException("Permission denied");
    Finding port = PortCheck.judge(new InetSocketAddress(80), refusal);
    assertThat(port.detail()).isEqualTo("PORT=80 may not be opened by this user");
    assertThat(port.fix()).contains("1024");
  }

  @Test
  void saysThatTheHostIsNotThisMachine() {
    Finding port = find(examine(false, "HOST", "192.0.2.7"), "port");
    assertThat(port.state()).isEqualTo(State.FAULT);
    assertThat(port.detail()).isEqualTo("HOST=192.0.2.7 is no address of this machine");
  }

  @Test
  void findsAProxyAtTheAddressItListensOn() throws Exception {
    var environment = ProxyProcessUnderTest.environment(sandbox, "HOST", "127.0.0.2");
    try (var proxy = ProxyProcessUnderTest.start(environment)) {
      String port = proxy.awaitEvent("started").path("port").asText();
      assertThat(find(examine(false, "HOST", "127.0.0.2", "PORT", port), "port").detail())
          .contains("running free-llm-proxy");
    }
  }

  @Test
  void looksAtTheRunningProxyAndItsKey() {
    try (var proxy = TestProxy.start()) {
      Report report = examine(false, "PORT", "" + proxy.port());
      assertThat(find(report, "port").detail()).contains("running free-llm-proxy");
      assertThat(find(report, "proxy").detail()).contains("another PROXY_API_KEY");
      report = examine(false, "PORT", "" + proxy.port(), "PROXY_API_KEY", TestProxy.KEY);
      assertThat(find(report, "proxy").detail()).contains("ready, ");
    }
  }

  /** A list that can be read, one that is missing, and an answer that is none. */
  @ParameterizedTest
  @ValueSource(strings = {"", "/nothing", "/../../v1/models"})
  void showsNoQueryOfTheListsAddress(String more) {
    String url = sandbox.modelListUrl() + more + "?key=SECRET";
    Report report = examine(false, "MODELS_LIST_URL", url);
    assertThat(report.table()).contains("MODELS_LIST_URL").doesNotContain("SECRET");
    assertThat(report.json()).doesNotContain("SECRET");
  }

  @Test
  void saysWhatCannotBeReached() {
    Report report =
        examine(
            false,
            "MODELS_LIST_URL",
            sandbox.baseUrl() + "/nothing",
            "UPSTREAM_BASE_URL",
            "http://127.0.0.1:1/api/v1");
    assertThat(find(report, "list").detail()).contains("the server answered 404");
    assertThat(find(report, "upstream").state()).isEqualTo(State.FAULT);
    assertThat(report.isFine()).isFalse();
  }

  @Test
  void endsWithTheCodeThatScriptsGoBy() throws Exception {
    try (var refused = ProxyProcessUnderTest.start(Map.of(), "doctor")) {
      assertThat(refused.exitCode()).isEqualTo(1);
      assertThat(refused.output())
          .contains("✗ .env      there is no file /", "3 faults: mend the first ✗ first");
    }
    Map<String, String> environment = ProxyProcessUnderTest.environment(sandbox);
    try (var fine = ProxyProcessUnderTest.start(environment, "doctor", "--json")) {
      assertThat(fine.exitCode()).isZero();
      assertThat(fine.output()).contains("\"ok\" : true", "\"state\" : \"warning\"");
    }
  }
}

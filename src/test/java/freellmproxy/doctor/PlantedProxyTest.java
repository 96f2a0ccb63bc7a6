package freellmproxy.doctor;

import static freellmproxy.doctor.Patient.Planted.fault;
import static freellmproxy.doctor.Patient.Planted.warning;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.doctor.Finding.State;
import freellmproxy.doctor.Patient.Planted;
import freellmproxy.sandbox.Faults;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.RawUpstream;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Faults of the port, and a proxy that runs with other settings than those found here. */
final class PlantedProxyTest {
  private static final String PID = Long.toString(ProcessHandle.current().pid());
  private static final Path NO_FILE = Path.of("no-such.env");

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  static Stream<Planted> ports() {
    return Stream.of(
        fault(
            "a host that is not this machine",
            patient -> patient.set("HOST", "192.0.2.7"),
            "port",
            List.of("HOST=192.0.2.7 is no address of this machine"),
            List.of("Set HOST to one, or to 0.0.0.0")),
        taken(404, Map.of(), "{\"message\":\"oops\"}", "GET / answered 404: oops"),
        taken(200, Map.of(), "{\"status\":\"ok\"}", "GET / answered 200"),
        taken(200, Patient.HTML, Patient.PAGE, "a web page, \"Hotel Login\""),
        fault(
            "TLS at the port",
            patient -> {
              TestCertificate certificate = TestCertificate.in(patient.folder);
              patient.set("PORT", "" + FakeHost.start(patient.vertx, certificate.key()).port());
            },
            "port",
            List.of("which is not this proxy: it speaks TLS"),
            List.of("set PORT to a free port such as ")),
        fault(
            "a program that says nothing",
            patient -> {
              RawUpstream silent = RawUpstream.start();
              patient.set("PORT", "" + silent.port()).closing(silent::close);
            },
            "port",
            List.of("is used by", "(process " + PID + ")"),
            List.of("Stop it (`kill " + PID + "`)")),
        warning(
            "an older version",
            patient -> {
              patient.host.at("/", 200, Map.of(), "free-llm-proxy: one OpenAI endpoint");
              patient.set("PORT", "" + patient.host.port());
            },
            "proxy",
            List.of("is of an older version", "process " + PID),
            List.of("Restart it")),
        warning(
            "none runs",
            patient -> {},
            "proxy",
            List.of("none is running at port 0"),
            List.of("Start ./free-llm-proxy")));
  }

  /** By another program, which says this to everything. */
  private static Planted taken(int status, Map<String, String> headers, String body, String said) {
    return fault(
        "a port where is answered " + body,
        patient ->
            patient.set(
                "PORT", "" + FakeHost.start(patient.vertx).otherwise(status, headers, body).port()),
        "port",
        List.of("is used by", "(process " + PID + "), which is not this proxy", said),
        List.of("Stop it (`kill " + PID + "`)", "set PORT to a free port such as "));
  }

  @ParameterizedTest
  @MethodSource("ports")
  void names(Planted planted) throws Exception {
    planted.assertFullyNamedIn(folder);
  }

  /** Somebody with the settings of a running proxy, until more are set. */
  private Patient beside(TestProxy proxy) {
    return new Patient(folder)
        .set("OPENROUTER_API_KEY", TestProxy.UPSTREAM_KEY)
        .set("PROXY_API_KEY", TestProxy.KEY)
        .set("MODELS_LIST_URL", proxy.sandbox().modelListUrl().toString())
        .set("UPSTREAM_BASE_URL", proxy.sandbox().baseUrl().toString())
        .set("PORT", "" + proxy.port())
        .unset("CONNECT_TIMEOUT_SEC")
        .surrounded(was ->
            new Surroundings(
                was.environment(),
                NO_FILE,
                was.java(),
                was.heapBytes(),
                was.openFiles(),
                was.patience()));
  }

  private static void assertSays(Patient patient, State state, String detail, String... fix)
      throws IOException {
    try (patient) {
      Report report = patient.examine();
      Finding finding =
          report.findings().stream()
              .filter(each -> each.check().equals("proxy"))
              .findFirst()
              .orElseThrow();
      assertThat(finding.detail()).as(report.table()).contains(detail);
      assertThat(finding.state()).as(report.table()).isEqualTo(state);
      assertThat(fix).allSatisfy(words -> assertThat(finding.fix()).contains(words));
      assertThat(report.isFine()).isEqualTo(state != State.FAULT);
      assertThat(report.table()).doesNotContain(TestProxy.KEY, TestProxy.UPSTREAM_KEY);
      Patient.assertReadable(report);
    }
  }

  @Test
  void findsNothingWrongWithAProxyThatHasTheseSettings() throws IOException {
    try (var proxy = TestProxy.start()) {
      assertSays(
          beside(proxy), State.OK, "ready, 6 of 6 models can be asked by it (process " + PID);
    }
  }

  /** What the first user ran into. */
  @Test
  void namesAnOldKeyThatAReloadWouldReplace() throws IOException {
    Path file = folder.resolve(".env");
    String others = "PROXY_API_KEY=" + TestProxy.KEY + "\nPORT=0\n";
    Files.writeString(file, "OPENROUTER_API_KEY=sk-or-old-key-1111\n" + others);
    try (var proxy = TestProxy.startWith(file)) {
      Patient patient =
          beside(proxy)
              .unset("OPENROUTER_API_KEY", "PROXY_API_KEY")
              .surrounded(was -> was)
              .write("OPENROUTER_API_KEY=sk-or-new-key-2222", "PROXY_API_KEY=" + TestProxy.KEY);
      assertSays(
          patient,
          State.FAULT,
          "OPENROUTER_API_KEY is ...1111 (len=18) there (.env) and ...2222 (len=18) in .env",
          "POST /admin/reload",
          "http://127.0.0.1:" + proxy.port() + "/admin/reload");
      proxy.proxy().reload();
      assertThat(
              beside(proxy)
                  .unset("OPENROUTER_API_KEY", "PROXY_API_KEY")
                  .surrounded(was -> was)
                  .examine()
                  .table())
          .doesNotContain("1111");
    }
  }

  @Test
  void namesAnOldKeyThatOnlyARestartReplaces() throws IOException {
    try (var proxy = TestProxy.start()) {
      assertSays(
          beside(proxy).set("OPENROUTER_API_KEY", "sk-or-new-key-2222"),
          State.FAULT,
          "OPENROUTER_API_KEY is ...3210 (len=28) there (environment) and ...2222 (len=18) in the"
              + " environment here",
          "Restart it (`kill " + PID + "`",
          "OPENROUTER_API_KEY comes from an environment, which a reload cannot change");
    }
  }

  @Test
  void namesAnotherUpstreamAndList() throws IOException {
    try (var proxy = TestProxy.start();
        var other = TestProxy.start()) {
      String list = other.sandbox().modelListUrl().toString();
      String upstream = other.sandbox().baseUrl().toString();
      assertSays(
          beside(proxy).set("MODELS_LIST_URL", list).set("UPSTREAM_BASE_URL", upstream),
          State.FAULT,
          "MODELS_LIST_URL is %s there (environment) and %s in the environment here; UPSTREAM_BASE_URL is %s there"
              .formatted(proxy.sandbox().modelListUrl(), list, proxy.sandbox().baseUrl()),
          "Restart it",
          "MODELS_LIST_URL, UPSTREAM_BASE_URL change with a start only");
    }
  }

  @Test
  void onlyWarnsWhereTheOtherSettingDecidesNothing() throws IOException {
    try (var proxy = TestProxy.start()) {
      assertSays(
          beside(proxy).set("STREAM_KEEPALIVE_SEC", "5"),
          State.WARNING,
          "STREAM_KEEPALIVE_SEC is 15 there (default) and 5 in the environment here",
          "Restart it");
    }
  }

  @Test
  void saysThatItLooksAtAnotherFile() throws IOException {
    try (var proxy = TestProxy.start()) {
      Patient patient = beside(proxy).set("LOG_LEVEL", "DEBUG").surrounded(was -> was);
      assertSays(
          patient,
          State.WARNING,
          "started in " + Path.of("").toAbsolutePath(),
          "It looks at " + NO_FILE.toAbsolutePath() + ", not at " + patient.file(),
          "run the doctor in " + Path.of("").toAbsolutePath());
    }
  }

  @Test
  void namesAnotherProxyKey() throws IOException {
    try (var proxy = TestProxy.start()) {
      assertSays(
          beside(proxy).set("PROXY_API_KEY", Patient.PROXY_KEY),
          State.FAULT,
          "(process "
              + PID
              + " in "
              + Path.of("").toAbsolutePath()
              + ") has another PROXY_API_KEY"
              + " than ...8888 (len=26)",
          "restart it",
          "kill -HUP " + PID);
    }
  }

  @Test
  void saysWhyTheRunningOneHasNoList() throws IOException {
    try (var proxy =
        TestProxy.startUnread(new FakeTime(), "MODELS_LIST_URL", "http://127.0.0.1:1/")) {
      proxy.refresh();
      assertSays(
          beside(proxy).set("MODELS_LIST_URL", "http://127.0.0.1:1/"),
          State.FAULT,
          "it has read no list yet: nobody listens at 127.0.0.1:1",
          "POST /admin/refresh");
    }
  }

  @Test
  void saysThatTheListCouldNotBeReadSince() throws IOException {
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().scriptList(Faults.status(503, ""));
      proxy.refresh();
      try (Patient patient = beside(proxy)) {
        Report report = patient.examine();
        assertThat(Patient.flat(report))
            .contains(
                "! proxy ready, 6 of 6 models can be asked, but with a list of 0 min ago; since")
            .contains("the server answered 503");
      }
    }
  }

  @Test
  void saysUntilWhenTheAccountRests() throws IOException {
    try (var proxy = TestProxy.start()) {
      proxy.sandbox().scriptOthers(Faults.error(429, "Rate limit exceeded: free-models-per-day."));
      proxy.chat();
      assertSays(
          beside(proxy),
          State.FAULT,
          "is not ready, the account's free requests are used up until 20",
          "10 credits");
    }
  }

  @Test
  void saysThatAllModelsRest() throws IOException {
    try (var proxy = TestProxy.start("MAX_FALLBACK_ATTEMPTS", "6")) {
      proxy.sandbox().scriptOthers(Faults.error(503, "overloaded"));
      proxy.chat();
      assertSays(
          beside(proxy).set("MAX_FALLBACK_ATTEMPTS", "6"),
          State.FAULT,
          "is not ready, all 6 models rest after failures",
          "POST /admin/refresh ends all rests");
    }
  }

  @Test
  void findsTheProxyThatRunsAtAnotherPort() throws IOException {
    try (var patient = new Patient(folder);
        var sandbox = TestProxy.start();
        var other =
            ProxyProcessUnderTest.start(ProxyProcessUnderTest.environment(sandbox.sandbox()))) {
      String port = other.awaitEvent("started").path("port").asText();
      assertThat(Patient.flat(patient.examine()))
          // Others may run on this machine too.
          .contains("! proxy none is running at port 0, but one runs at port ")
          .contains("one runs at port " + port + " as process " + other.pid());
      patient.unset("OPENROUTER_API_KEY");
      assertThat(Patient.flat(patient.examine()))
          .contains("as process " + other.pid(), "run the doctor in its folder");
    }
  }
}

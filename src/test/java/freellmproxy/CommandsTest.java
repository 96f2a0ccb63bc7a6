package freellmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.config.SettingsLoader;
import freellmproxy.testing.Ipv6;
import freellmproxy.testing.ProxyProcessUnderTest;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands as the command line runs them. */
final class CommandsTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    return Main.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(args);
  }

  @Test
  void helpNamesEveryCommandButTheHiddenOne() {
    assertThat(run("--help")).isZero();
    assertThat(out.toString())
        .contains(
            "serve",
            "demo",
            "doctor",
            "setup",
            "health",
            "version",
            "sandbox",
            "generate-completion")
        .doesNotContain("train");
  }

  @ParameterizedTest
  @CsvSource({
    "help,Commands:",
    "help setup,CLIENT",
    "help serve,--port",
    "serve --help,--host",
  })
  void helpIsACommandToo(String command, String says) {
    assertThat(run(command.split(" "))).isZero();
    assertThat(out.toString()).contains(says);
    assertThat(out.toString().lines()).allMatch(line -> line.length() <= 80);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "foo             | There is no command 'foo'.                        | Commands: serve,"
            + " demo, doctor",
        "serv            | There is no command 'serv'. Did you mean serve?   | Commands: serve",
        "docotr          | There is no command 'docotr'. Did you mean doctor? | Commands:",
        "--prot 1        | There is no option '--prot'.                      | Options:",
        "serve --prot 1  | There is no option '--prot' of serve. Did you mean --port? | --host",
        "setup           | Missing required parameter: 'CLIENT'              | help setup says"
            + " more",
        "setup qwn       | 'qwn' is none of qwen, opencode, cline, aider, continue, openwebui,"
            + " librechat, env. Did you mean qwen? | help",
        "setup emacs     | For any other client take env.                    | help",
      })
  void saysInAFewLinesWhatIsWrong(String command, String says, String more) {
    assertThat(run(command.split(" +"))).isEqualTo(2);
    assertThat(err.toString()).contains(says, more).doesNotContain("Usage:");
    assertThat(err.toString().lines()).hasSizeLessThanOrEqualTo(3);
  }

  @Test
  void serveListensWhereItsOptionsSay() throws IOException {
    try (var sandbox = TestProxy.start();
        var process =
            ProxyProcessUnderTest.start(
                ProxyProcessUnderTest.environment(
                    sandbox.sandbox(), "PORT", "70000", "HOST", "no address"),
                "serve",
                "--port",
                "0",
                "--host",
                "127.0.0.1")) {
      assertThat(process.awaitEvent("started").path("port").asInt()).isPositive();
      assertThat(process.output()).doesNotContain("setting_warning");
      assertThat(process.stop()).isZero();
    }
    try (var process = ProxyProcessUnderTest.start(Map.of(), "serve", "--host", "x y")) {
      assertThat(process.exitCode()).isEqualTo(78);
      assertThat(process.output()).contains("HOST: \"x y\" is neither an address nor a name");
    }
  }

  @Test
  void versionNamesProxyAndJava() {
    assertThat(run("version")).isZero();
    assertThat(out.toString()).contains("free-llm-proxy", "Java 25");
  }

  @Test
  void completionIsAShellScript() {
    assertThat(run("generate-completion")).isZero();
    assertThat(out.toString()).startsWith("#!").contains("setup");
    assertThat(run("generate-completion", "--nope")).isEqualTo(2);
  }

  @Test
  void healthSaysWhetherAProxyLives() throws Exception {
    String url;
    try (var proxy = TestProxy.start()) {
      url = "http://127.0.0.1:" + proxy.port();
      assertThat(run("health", "--url", url)).isZero();
      assertThat(run("health", "--ready", "--url", url + "/")).isZero();
    }
    assertThat(run("health", "--url", url)).isEqualTo(1);
    assertThat(out.toString()).contains("/health answered 200", "did not answer");
    assertThat(run("health", "--url", "no url")).isEqualTo(2);
    assertThat(run("health", "--url", "nowhere")).isEqualTo(2);
  }

  @Test
  void healthFindsAProxyAtTheSecondAddressOfAName() {
    Ipv6.assumeFor("::1");
    try (var proxy = TestProxy.start("HOST", "::1")) {
      assertThat(run("health", "--url", "http://localhost:" + proxy.port())).isZero();
      assertThat(run("health", "--url", "http://[::1]:" + proxy.port())).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "health --url=foo,--url",
    "health --url=ftp://h,--url",
    "health --url=http://,--url",
    "health --url=http://h?a=b,--url",
    "health --url=http://us:SECRET@h,--url",
    "health --url=http://127.0.0.1:99999,--url",
    "setup env --url=h:1,--url",
    "sandbox --port=99999,--port",
    "sandbox --port=-1,--port",
    "demo --port=99999,--port",
    "demo --sandbox-port=99999,--sandbox-port"
  })
  void saysWhichOptionIsWrong(String command, String option) {
    assertThat(run(command.split(" "))).isEqualTo(2);
    assertThat(err.toString())
        .startsWith("Invalid value for option '" + option + "'")
        .doesNotContain("\tat ", "SECRET");
  }

  @Test
  void saysThatThePortOfTheSandboxIsTaken() throws IOException {
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = "" + taken.getLocalPort();
      assertThat(run("sandbox", "--port", port)).isEqualTo(69);
      assertThat(run("demo", "--port", "0", "--sandbox-port", port)).isEqualTo(69);
      assertThat(err.toString().lines())
          .hasSize(2)
          .allMatch(line -> line.startsWith("The sandbox cannot listen on port " + port));
    }
  }

  /** Not the same as no argument: a script's variable may be empty. */
  @Test
  void anEmptyArgumentIsNoCommand() throws IOException {
    try (var process = ProxyProcessUnderTest.start(Map.of(), "")) {
      assertThat(process.exitCode()).isEqualTo(2);
      assertThat(process.output()).contains("There is no command ''", "Commands: serve, demo");
    }
  }

  @Test
  void demoListensOnThePortOfItsEnvironment() throws IOException {
    try (var demo = ProxyProcessUnderTest.start(Map.of("PORT", "0"), "demo")) {
      assertThat(demo.awaitEvent("started").path("port").asInt()).isNotEqualTo(8080);
      assertThat(demo.stop()).isZero();
    }
  }

  @Test
  void demoReadsItsPortAsServeDoes() throws IOException {
    try (var proxy = TestProxy.start()) {
      assertThat(SandboxSettings.load(proxy.sandbox(), "demo-key", ""))
          .isInstanceOfSatisfying(
              SettingsLoader.Result.Loaded.class,
              empty -> assertThat(empty.settings().listen().port()).isEqualTo(8080));
    }
    try (var demo = ProxyProcessUnderTest.start(Map.of("PORT", "abc"), "demo")) {
      assertThat(demo.exitCode()).isEqualTo(78);
      assertThat(demo.output()).contains("PORT: \"abc\" is not a whole number");
    }
  }

  @Test
  void setupPrintsAndWritesOnlyWhenTold(@TempDir Path home) {
    Path file = home.resolve("settings.json");
    assertThat(run("setup", "qwen", "--file", file.toString(), "--url", "http://p:1/")).isZero();
    assertThat(out.toString()).contains(file.toString(), "http://p:1/api/v1", "free-model");
    assertThat(file).doesNotExist();
    assertThat(run("setup", "qwen", "--write", "--file", file.toString())).isZero();
    assertThat(file).exists();
  }

  /** As the clients themselves do; who runs it is another question. */
  @Test
  void setupWritesIntoTheHomeOfItsEnvironment(@TempDir Path home) throws IOException {
    var environment = Map.of("HOME", home.toString(), "PORT", "9090");
    try (var setup = ProxyProcessUnderTest.start(environment, "setup", "qwen", "--write")) {
      assertThat(setup.exitCode()).isZero();
    }
    assertThat(home.resolve(".qwen/settings.json")).content().contains("localhost:9090");
  }

  @ParameterizedTest
  @ValueSource(strings = {"health", "setup env"})
  void doesNotGuessThePortOfAWrongSetting(String command) throws IOException {
    var environment = Map.of("PORT", "abc", "MAX_BODY_MB", "of no interest");
    try (var process = ProxyProcessUnderTest.start(environment, command.split(" "))) {
      assertThat(process.exitCode()).isEqualTo(78);
      assertThat(process.output())
          .contains("PORT: \"abc\" is not a whole number")
          .doesNotContain("MAX_BODY_MB", "localhost");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "http://h:1,http://h:1/v1",
    "http://h:1//,http://h:1/v1",
    "http://h:1/v1/,http://h:1/v1",
    "http://h:1/api/v1,http://h:1/v1",
    "https://my_proxy/llm/api/,https://my_proxy/llm/api/v1"
  })
  void setupTakesTheAddressWithOrWithoutItsPath(String url, String base) {
    assertThat(run("setup", "env", "--url", url)).isZero();
    assertThat(out.toString()).contains("OPENAI_BASE_URL=" + base + "\n");
  }

  @Test
  void setupRefusesWhatItCannotDo() {
    assertThat(run("setup", "cline", "--write")).isEqualTo(1);
    assertThat(run("setup", "emacs")).isEqualTo(2);
    assertThat(err.toString())
        .contains("no file to write for cline; `free-llm-proxy setup cline` prints", "emacs");
  }
}

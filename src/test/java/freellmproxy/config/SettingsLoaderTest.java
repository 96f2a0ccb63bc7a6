package freellmproxy.config;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.config.Settings.ProxyServer;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract section 9. */
final class SettingsLoaderTest {
  private static final String KEY = "sk-or-v1-some-upstream-key";
  private static final String PROXY_KEY = "some-long-random-string";

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private Map<String, String> environment = new HashMap<>();

  @BeforeEach
  void setKeys() {
    environment = new HashMap<>(Map.of("OPENROUTER_API_KEY", KEY, "PROXY_API_KEY", PROXY_KEY));
  }

  private SettingsLoader.Result load() {
    return SettingsLoader.load(environment, folder.resolve(".env"));
  }

  private SettingsLoader.Result.Loaded loaded() {
    return switch (load()) {
      case SettingsLoader.Result.Loaded loaded -> loaded;
      case SettingsLoader.Result.Refused refused ->
          throw new AssertionError(refused.problems().toString());
    };
  }

  private List<Problem> problems() {
    return switch (load()) {
      case SettingsLoader.Result.Loaded loaded -> List.of();
      case SettingsLoader.Result.Refused refused -> refused.problems();
    };
  }

  private void writeDotEnv(String... lines) throws IOException {
    Files.writeString(folder.resolve(".env"), String.join("\n", lines));
  }

  @Test
  void knowsWhereItListensWithoutTheRest() throws IOException {
    environment = new HashMap<>(Map.of("HOST", "127.0.0.1"));
    writeDotEnv("PORT=9090", "REQUEST_DEADLINE_SEC=soon");
    assertThat(SettingsLoader.address(environment, folder.resolve(".env")))
        .isEqualTo(new SettingsLoader.Address.At(URI.create("http://127.0.0.1:9090")));
  }

  @ParameterizedTest
  @CsvSource({
    "0.0.0.0,http://localhost:7",
    "::,http://localhost:7",
    "[::],http://localhost:7",
    "0:0:0:0:0:0:0:0,http://localhost:7",
    "127.0.0.2,http://127.0.0.2:7",
    "::1,http://[::1]:7",
    "[::1],http://[::1]:7",
    "my_proxy.example.org,http://my_proxy.example.org:7"
  })
  void knowsWhereProgramsOfThisMachineReachIt(String host, String url) {
    environment.put("HOST", host);
    Settings.Listen listen = loaded().settings().listen();
    assertThat(listen.host()).doesNotContain("[", "]");
    assertThat(listen.url(7)).hasToString(url);
  }

  @Test
  void hasTheDefaultsOfTheContract() {
    Settings settings = loaded().settings();
    assertThat(settings.modelList().url())
        .hasToString("https://shir-man.com/api/free-llm/top-models");
    assertThat(settings.modelList().refresh()).isEqualTo(Duration.ofHours(1));
    assertThat(settings.upstream().baseUrl()).hasToString("https://openrouter.ai/api/v1");
    assertThat(settings.upstream().freeOnly()).isTrue();
    assertThat(settings.listen())
        .isEqualTo(
            new Settings.Listen("0.0.0.0", 8080, 32 << 20, Duration.ofSeconds(30), Set.of()));
    assertThat(settings.limits())
        .isEqualTo(
            new Settings.TimeLimits(
                Duration.ofSeconds(5),
                Duration.ofSeconds(30),
                Duration.ofMinutes(1),
                Duration.ofMinutes(5),
                Duration.ofSeconds(110),
                Duration.ofSeconds(15)));
    assertThat(settings.fallback())
        .isEqualTo(new Settings.Fallback(5, 1, Duration.ofMinutes(5), Duration.ofMinutes(1)));
    assertThat(settings.logLevel()).isEqualTo(Settings.LogLevel.INFO);
  }

  @Test
  void reportsAllProblemsTogetherWithNameFaultAndFix() throws IOException {
    environment.clear();
    environment.put("PORT", "many");
    environment.put("MAX_BODY_MB", "0");
    environment.put("MODELS_LIST_URL", "shir-man.com/list");
    environment.put("UPSTREAM_BASE_URL", "https://user:secret-pass@example.org/api");
    environment.put("FREE_ONLY", "yes");
    environment.put("LOG_LEVEL", "loud");
    environment.put("HTTPS_PROXY", "ftp://user:secret-pass@proxy.example.org");
    environment.put("SSL_CERT_FILE", folder.resolve("none.pem").toString());
    environment.put("OPENROUTER_TITLE", "naïve");
    writeDotEnv("SAME_MODEL_RETRIES=2", "what is this");
    List<Problem> problems = problems();
    assertThat(problems)
        .extracting(Problem::name)
        .containsExactlyInAnyOrder(
            "OPENROUTER_API_KEY",
            "PROXY_API_KEY",
            "PORT",
            "MAX_BODY_MB",
            "MODELS_LIST_URL",
            "UPSTREAM_BASE_URL",
            "FREE_ONLY",
            "LOG_LEVEL",
            "HTTPS_PROXY",
            "SSL_CERT_FILE",
            "OPENROUTER_TITLE",
            "SAME_MODEL_RETRIES",
            ".env");
    assertThat(problems)
        .allSatisfy(problem -> {
          assertThat(problem.fault()).isNotBlank();
          assertThat(problem.fix()).endsWith(".");
          assertThat(problem.toString()).doesNotContain("secret-pass");
        });
  }

  @ParameterizedTest
  @CsvSource({
    "UPSTREAM_BASE_URL,http://127.0.0.1:99999/v1",
    "MODELS_LIST_URL,http://127.0.0.1:0/list",
    "REQUEST_DEADLINE_SEC,1",
    "OPENROUTER_API_KEY,sk-or-v1-paste-your-key-here",
    "PROXY_API_KEY,choose-a-long-random-string",
    "PROXY_API_KEY," + KEY,
    "OPENROUTER_API_KEY,two words",
    "PORT,65536",
    "PORT,-1",
    "HOST,127.0.0.1:8080",
    "HOST,http://127.0.0.1",
    "HOST,a/b",
    "HOST,me@127.0.0.1",
    "HOST,[::1",
    "HOST,a b",
    "MODELS_REFRESH_SEC,0",
    "UPSTREAM_TIMEOUT_SEC,1.5",
    "MAX_FALLBACK_ATTEMPTS,99999999999999999999",
    "UPSTREAM_BASE_URL,https://example.org/api?key=1",
    "UPSTREAM_BASE_URL,://",
    "CORS_ORIGINS,example.org",
    "ALL_PROXY,http://"
  })
  void refuses(String name, String value) {
    environment.put(name, value);
    assertThat(problems()).extracting(Problem::name).containsExactly(name);
  }

  @ParameterizedTest
  @CsvSource({"1.1,false", "2,true"})
  void knowsTwoVersionsOfHttp(String version, boolean mayMultiplex) {
    assertThat(loaded().settings().upstream().mayMultiplex()).isFalse();
    environment.put("UPSTREAM_HTTP", version);
    assertThat(loaded().settings().upstream().mayMultiplex()).isEqualTo(mayMultiplex);
    environment.put("UPSTREAM_HTTP", "3");
    assertThat(problems()).extracting(Problem::name).containsExactly("UPSTREAM_HTTP");
  }

  @ParameterizedTest
  @ValueSource(strings = {"OPENROUTER_API_KEY", "PROXY_API_KEY"})
  void refusesAListOfKeys(String name) {
    environment.put(name, "sk-first-0123456789,sk-second-0123456789");
    assertThat(problems()).extracting(Problem::name).containsExactly(name);
    assertThat(problems().getFirst().toString()).contains("one key").doesNotContain("012345");
  }

  @ParameterizedTest
  @ValueSource(strings = {"*", "*/*", "*:free,*", "**"})
  void refusesToLeaveOutEveryModel(String globs) {
    environment.put("MODELS_DENY", globs);
    assertThat(problems()).extracting(Problem::name).containsExactly("MODELS_DENY");
  }

  @ParameterizedTest
  @ValueSource(strings = {"PROXY_API_KEY=\"SECRET", "PROXY_API_KEY='SECRET\"", "PORT=\"9000"})
  void refusesAQuoteThatIsNotClosed(String line) throws IOException {
    writeDotEnv("# keys", line);
    assertThat(problems()).extracting(Problem::name).containsExactly(".env");
    assertThat(problems().getFirst().toString())
        .contains("line 2 has a quote")
        .doesNotContain("SECRET");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "PORT=\"9000\"           | true",
        "PORT='9000' # my port   | true",
        "PORT=\"9000\" \"9001\"    | false",
        "PORT=\"9000\"x          | false",
        "PORT=\"9000\"#x         | false",
        "PORT='9000'; export X   | false"
      })
  void dropsNothingBehindAQuoteButAComment(String line, boolean isGood) throws IOException {
    writeDotEnv(line);
    if (isGood) {
      assertThat(loaded().settings().listen().port()).isEqualTo(9000);
    } else {
      assertThat(problems().getFirst().toString()).contains("line 1 has text behind its closing");
    }
  }

  @Test
  void saysThatTheFileIsAFolder() throws IOException {
    Files.createDirectory(folder.resolve(".env"));
    assertThat(problems()).extracting(Problem::fault).containsExactly("it is a folder");
  }

  @Test
  void refusesAFileThatIsNotText() throws IOException {
    Files.write(folder.resolve(".env"), new byte[] {'A', '=', (byte) 0xff});
    assertThat(problems()).extracting(Problem::name).containsExactly(".env");
  }

  @Test
  void readsTheFileAndLetsTheEnvironmentWin() throws IOException {
    environment.remove("PROXY_API_KEY");
    environment.put("PORT", "9000");
    environment.put("HOST", " ");
    writeDotEnv(
        "\uFEFF# keys",
        "OPENROUTER_API_KEY=sk-or-v1-another-key",
        "export PROXY_API_KEY='" + PROXY_KEY + "' # ours",
        "PORT=8000",
        "HOST=\"127.0.0.1\"",
        "LOG_LEVEL=debug # for now",
        "export\tLOG_FORMAT=Text",
        "OPENROUTER_REFERER=");
    SettingsLoader.Result.Loaded loaded = loaded();
    Settings settings = loaded.settings();
    assertThat(settings.keys().proxy()).isEqualTo(new Secret(PROXY_KEY));
    assertThat(settings.listen().port()).isEqualTo(9000);
    assertThat(settings.listen().host()).isEqualTo("127.0.0.1");
    assertThat(settings.logLevel()).isEqualTo(Settings.LogLevel.DEBUG);
    assertThat(settings.logFormat()).isEqualTo(Settings.LogFormat.TEXT);
    assertThat(settings.upstream().referer()).isNull();
    assertThat(settings.upstream().title()).isEqualTo("free-llm-proxy");
    assertThat(loaded.warnings())
        .containsExactly(
            "OPENROUTER_API_KEY is ...-key (len=26) in the environment and ...-key (len=20) in"
                + " .env; the environment wins",
            "PORT is 9000 in the environment and 8000 in .env; the environment wins");
    assertThat(loaded.origins())
        .contains(
            new Origin(Setting.PORT, new Secret("9000"), Origin.Source.ENVIRONMENT),
            new Origin(Setting.HOST, new Secret("127.0.0.1"), Origin.Source.DOT_ENV),
            new Origin(Setting.MAX_BODY_MB, new Secret("32"), Origin.Source.DEFAULT),
            new Origin(Setting.PROXY_API_KEY, new Secret(PROXY_KEY), Origin.Source.DOT_ENV));
    assertThat(loaded.origins().get(1).shown()).isEqualTo("...ring (len=23)");
  }

  @ParameterizedTest
  @CsvSource({
    "0.0.0.0, 123456789012345, true",
    "192.168.1.2, short, true",
    "::, short, true",
    "127.example.org, short, true",
    "0.0.0.0, 1234567890123456, false",
    "127.0.0.1, short, false",
    "127.1.2.3, short, false",
    "::1, short, false",
    "[::1], short, false",
    "localhost, short, false"
  })
  void warnsAboutAShortKeyThatOtherMachinesMayTry(String host, String key, boolean warned) {
    environment.put("HOST", host);
    environment.put("PROXY_API_KEY", key);
    List<String> warnings = loaded().warnings();
    if (warned) {
      assertThat(warnings)
          .singleElement()
          .asString()
          .startsWith("PROXY_API_KEY has only " + key.length() + " characters")
          .doesNotContain(key);
    } else {
      assertThat(warnings).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "OPENROUTER_KEY,",
    "OPENROUTR_API_KEY,OPENROUTER_API_KEY",
    "OPENROUTER_API_KEYS,OPENROUTER_API_KEY",
    "PROXY_APIKEY,PROXY_API_KEY",
    "MAX_FALLBACK_ATTEMTPS,MAX_FALLBACK_ATTEMPTS",
    "LOG_LEVAL,LOG_LEVEL",
    "proxy_api_key,PROXY_API_KEY",
    "http_proxy,",
    "PATH,",
    "POST,",
    "HOME,"
  })
  void warnsAboutNamesOneLetterOff(String name, String meant) {
    environment.put(name, "http://127.0.0.1:1");
    List<String> warnings = loaded().warnings();
    if (meant == null) {
      assertThat(warnings).isEmpty();
    } else {
      assertThat(warnings).containsExactly(name + " is not known; did you mean " + meant + "?");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "OPENROUTER_KEY,OPENROUTER_API_KEY",
    "OPEN_ROUTER_API_KEY,OPENROUTER_API_KEY",
    "OPENROUTER_TOKEN,OPENROUTER_API_KEY",
    "openrouter_api_key,OPENROUTER_API_KEY",
    "OPENROUTER_APIKEY,OPENROUTER_API_KEY",
    "PROXY_KEY,PROXY_API_KEY",
    "PROXY_TOKEN,PROXY_API_KEY",
    "Proxy_Api_Key,PROXY_API_KEY"
  })
  void namesTheMisspellingOfAKeyThatIsMissing(String name, String meant) throws IOException {
    environment.remove(meant);
    writeDotEnv(name + "=0123456789abcdef-some-key");
    assertThat(problems())
        .singleElement()
        .returns(meant, Problem::name)
        .returns("Rename " + name + " to " + meant + ".", Problem::fix)
        .satisfies(problem -> assertThat(problem.fault()).contains("did you mean " + meant));
  }

  @Test
  void doesNotTakeTheAddressOfAForwardProxyForAKey() {
    environment.remove("PROXY_API_KEY");
    environment.put("HTTPS_PROXY", "http://127.0.0.1:1");
    assertThat(problems()).extracting(Problem::fault).containsExactly("it is not set");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '~',
      value = {"\"sk-or-v1-abcd1234\"", "'sk-or-v1-abcd1234'", "Bearer sk-or-v1-abcd1234"})
  void saysWhatDoesNotBelongToAKey(String value) {
    environment.put("OPENROUTER_API_KEY", value);
    assertThat(problems())
        .singleElement()
        .satisfies(problem ->
            assertThat(problem.toString())
                .contains("(len=" + value.length() + ")", "quotes")
                .doesNotContain("v1-abcd"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"HOST", "PORT", "LOG_LEVEL", "UPSTREAM_BASE_URL", "HTTPS_PROXY", "CORS_ORIGINS"})
  void showsNoKeyThatWasWrittenIntoTheWrongLine(String name) {
    environment.put(name, "sk-or-v1 0123456789");
    assertThat(problems().toString()).contains(name).doesNotContain("012345");
  }

  @Test
  void findsNamesThatDoNothing() throws IOException {
    writeDotEnv("UPSTREAM_URL=a", "https_proxy=b", "JAVA_OPTS=c", "PORT=8000", "LISTEN_PORT=1");
    assertThat(UnknownName.in(folder.resolve(".env")))
        .containsExactly(
            new UnknownName("UPSTREAM_URL", Optional.of(Setting.UPSTREAM_BASE_URL)),
            new UnknownName("JAVA_OPTS", Optional.empty()),
            new UnknownName("LISTEN_PORT", Optional.of(Setting.PORT)));
  }

  @Test
  void readsForwardProxies() {
    environment.put("https_proxy", "http://user:p%40ss+word@proxy.example.org:3128");
    environment.put("ALL_PROXY", "socks5h://127.0.0.1");
    environment.put("UPSTREAM_BASE_URL", "http://upstream.example.org/v1");
    Settings settings = loaded().settings();
    assertThat(settings.modelList().egress().proxy())
        .isEqualTo(
            new ProxyServer(
                Setting.HTTPS_PROXY,
                ProxyServer.Kind.HTTP,
                "proxy.example.org",
                3128,
                "user",
                new Secret("p@ss+word")));
    assertThat(settings.modelList().egress().proxy())
        .extracting(ProxyServer::shown)
        .isEqualTo("http://***@proxy.example.org:3128");
    assertThat(settings.upstream().egress().proxy())
        .isEqualTo(
            new ProxyServer(
                Setting.ALL_PROXY, ProxyServer.Kind.SOCKS5, "127.0.0.1", 1080, null, null));
  }

  @ParameterizedTest
  @CsvSource({
    "HTTP_PROXY,us:SECRET@127.0.0.1:9,***@127.0.0.1:9",
    "HTTPS_PROXY,http://us:SECRET@127.0.0.1:9,http://***@127.0.0.1:9",
    "HTTPS_PROXY,socks5://SECRET/@SECRET@127.0.0.1,socks5://***@127.0.0.1",
    "ALL_PROXY,SECRET@127.0.0.1,***@127.0.0.1",
    "ALL_PROXY,SECRET://SECRET@127.0.0.1,***@127.0.0.1",
    "MODELS_LIST_URL,https://example.org/list?key=SECRET,https://example.org/list?***",
    "MODELS_LIST_URL,https://us:SEC?RET@example.org/?a=b,https://***@example.org/?***",
    "MODELS_LIST_URL,https://us:SECRET@example.org/,https://***@example.org/",
    "UPSTREAM_BASE_URL,https://SECRET@example.org/,https://***@example.org/"
  })
  void showsNoPasswordOfAUrlThatIsNotInForce(String name, String url, String shown)
      throws IOException {
    environment.put(name, "http://127.0.0.1:8");
    writeDotEnv(name + "=" + url);
    assertThat(loaded().warnings())
        .containsExactly(
            "%s is http://127.0.0.1:8 in the environment and %s in .env; the environment wins"
                .formatted(name, shown));
  }

  @Test
  void showsNoPasswordOfAProxyInForce() {
    environment.put("HTTP_PROXY", "us:SECRET@127.0.0.1:9");
    environment.put("UPSTREAM_BASE_URL", "http://upstream.example.org/v1");
    SettingsLoader.Result.Loaded loaded = loaded();
    assertThat(loaded.origins()).extracting(Origin::shown).contains("***@127.0.0.1:9");
    assertThat(loaded.settings().upstream().egress().proxy())
        .extracting(ProxyServer::shown)
        .isEqualTo("http://***@127.0.0.1:9");
  }

  @ParameterizedTest
  @CsvSource({
    "example.org,true",
    ".example.org,true",
    "'a.b, Example.ORG',true",
    "api.example.org,true",
    "api.example.org:8443,true",
    "api.example.org:443,false",
    "*,true",
    "*.example.org,true",
    "10.0.0.0/8,false",
    "ample.org,false",
    "other.org,false",
    "'',false"
  })
  void goesAroundTheProxyWhereNoProxySaysSo(String noProxy, boolean direct) {
    environment.put("HTTPS_PROXY", "http://proxy.example.org:3128");
    environment.put("NO_PROXY", noProxy);
    environment.put("UPSTREAM_BASE_URL", "https://api.example.org:8443/v1");
    assertThat(loaded().settings().upstream().egress().proxy() == null).isEqualTo(direct);
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8,http://10.200.3.4,true",
    "10.0.0.0/8,http://11.0.0.1,false",
    "'x.org,192.168.1.64/26',http://192.168.1.127,true",
    "192.168.1.64/26,http://192.168.1.128,false",
    "192.168.1.77,http://192.168.1.77:8000,true",
    "0.0.0.0/0,http://1.2.3.4,true",
    "1.2.3.4/32,http://1.2.3.4,true",
    "1.2.3.4/33,http://1.2.3.4,false",
    "fd00::/8,http://[fd12::1]:8000,true",
    "fd00::/8,http://[fe80::1],false",
    "fd00::/8,http://10.0.0.1,false",
    "10.0.0.0/x,http://10.0.0.1,false",
    "10.0.0.0/8,http://10.0.0.1.example.org,false"
  })
  void goesAroundTheProxyToTheAddressesOfANetwork(String noProxy, String url, boolean direct) {
    environment.put("HTTP_PROXY", "http://proxy.example.org:3128");
    environment.put("NO_PROXY", noProxy);
    environment.put("UPSTREAM_BASE_URL", url);
    assertThat(loaded().settings().upstream().egress().proxy() == null).isEqualTo(direct);
  }

  @ParameterizedTest
  @CsvSource({"'',(empty)", "abcd,len=4", "abcde,...bcde (len=5)"})
  void showsSecretsByTheirTail(String key, String tail) {
    assertThat(new Secret(key)).hasToString(tail);
    assertThat(new Secret(key).matches(key)).isTrue();
    assertThat(new Secret(key).matches(key + "x")).isFalse();
  }

  @Test
  void takesOriginsAndAddresses() {
    environment.put("CORS_ORIGINS", "https://a.example.org, http://localhost:3000");
    environment.put("UPSTREAM_BASE_URL", "http://[::1]:8000/v1//");
    Settings settings = loaded().settings();
    assertThat(settings.listen().corsOrigins())
        .containsExactlyInAnyOrder("https://a.example.org", "http://localhost:3000");
    assertThat(settings.upstream().baseUrl()).hasToString("http://[::1]:8000/v1");
    assertThat(settings.upstream().isOpenRouter()).isFalse();
  }
}

package freellmproxy.doctor;

import static freellmproxy.doctor.Patient.Planted.fault;
import static freellmproxy.doctor.Patient.Planted.warning;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.doctor.Patient.Planted;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Faults of the machine, of {@code .env} and of single settings. */
final class PlantedSettingsTest {
  private static final String BOTH = "OPENROUTER_API_KEY";

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  static Stream<Planted> machine() {
    return Stream.of(
        fault(
            "Java too old",
            patient ->
                patient.surrounded(was ->
                    new Surroundings(
                        was.environment(),
                        was.dotEnv(),
                        Runtime.Version.parse("21.0.5"),
                        was.heapBytes(),
                        was.openFiles(),
                        was.patience())),
            "java",
            List.of("Java 21.0.5 is too old", "25"),
            List.of("JDK 25", "JAVA_HOME")),
        warning(
            "few open files",
            patient ->
                patient.surrounded(was ->
                    new Surroundings(
                        was.environment(),
                        was.dotEnv(),
                        was.java(),
                        was.heapBytes(),
                        Optional.of("only 256 files may be open at once"),
                        was.patience())),
            "files",
            List.of("256"),
            List.of("ulimit -n 4096", "LimitNOFILE", "--ulimit")),
        warning(
            "little heap in JAVA_OPTS",
            patient ->
                patient.surrounded(was ->
                    new Surroundings(
                        was.environment(),
                        was.dotEnv(),
                        was.java(),
                        64L << 20,
                        was.openFiles(),
                        was.patience())),
            "memory",
            List.of("64 MB of heap", "above 16 MB", "MAX_BODY_MB=32"),
            List.of("JAVA_OPTS=-Xmx128m")),
        warning(
            "MAX_BODY_MB above what the heap holds",
            patient -> patient.set("MAX_BODY_MB", "512"),
            "memory",
            List.of("MAX_BODY_MB=512", "above 100 MB"),
            List.of("-Xmx2048m")));
  }

  static Stream<Planted> file() {
    return Stream.of(
        fault(
            "no .env in this folder",
            patient -> patient.unset(BOTH, "PROXY_API_KEY"),
            ".env",
            List.of("there is no file {folder}/.env"),
            List.of("cd", "copy .env.example to {folder}/.env")),
        fault(
            ".env.txt instead of .env",
            patient ->
                patient.unset(BOTH).write(patient.folder.resolve(".env.txt"), "rw-------", "A=b"),
            ".env",
            List.of("there is no file {folder}/.env"),
            List.of("There is {folder}/.env.txt: rename it to .env")),
        fault(
            ".env is a folder",
            patient -> Files.createDirectory(patient.unset(BOTH).file()),
            ".env",
            List.of("{folder}/.env: it is a folder"),
            List.of("Put a file in its place")),
        fault(
            ".env is not UTF-8",
            patient -> Files.write(patient.write().file(), new byte[] {'A', '=', (byte) 0xff}),
            ".env",
            List.of("{folder}/.env: it is not UTF-8"),
            List.of("Save it as UTF-8")),
        fault(
            "a line that is none",
            patient -> patient.write("# keys", "OPENROUTER-API-KEY=SECRET"),
            ".env",
            List.of("{folder}/.env: line 2 is not NAME=value"),
            List.of("Mend or remove the line")),
        fault(
            "an open quote",
            patient -> patient.write("PROXY_API_KEY=\"SECRET"),
            ".env",
            List.of("line 1 has a quote without its closing one"),
            List.of("Mend")),
        warning(
            ".env that others can read",
            patient -> patient.write(patient.file(), "rw-r--r--", "LOG_LEVEL=INFO"),
            ".env",
            List.of("{folder}/.env can be read by other users", "rw-r--r--"),
            List.of("chmod 600 {folder}/.env")),
        warning(
            "a name that is none",
            patient -> patient.write("UPSTREAM_URL=https://example.org"),
            ".env",
            List.of("UPSTREAM_URL in {folder}/.env", "did you mean UPSTREAM_BASE_URL?"),
            List.of("Rename it to UPSTREAM_BASE_URL")),
        warning(
            "a name one letter off",
            patient -> patient.write("LOG_LEVAL=INFO"),
            ".env",
            List.of("LOG_LEVAL in {folder}/.env", "did you mean LOG_LEVEL?"),
            List.of("Rename it to LOG_LEVEL")),
        warning(
            "JAVA_OPTS in .env",
            patient -> patient.write("JAVA_OPTS=-Xmx1g"),
            ".env",
            List.of("JAVA_OPTS in {folder}/.env"),
            List.of("Set JAVA_OPTS in the environment")),
        warning(
            "two lines for one setting",
            patient ->
                patient.unset(BOTH).write(BOTH + "=sk-or-first-1111", BOTH + "=sk-or-second-2222"),
            "settings",
            List.of("OPENROUTER_API_KEY stands in .env more than once", "...2222 (len=17)"),
            List.of("Remove the lines of OPENROUTER_API_KEY that are not meant")),
        warning(
            "another value in the environment",
            patient -> patient.write("OPENROUTER_API_KEY=sk-or-another-key-8888"),
            "settings",
            List.of("OPENROUTER_API_KEY is ...7777 (len=26) in the environment", "...8888", "wins"),
            List.of("unset OPENROUTER_API_KEY", "restart")));
  }

  static Stream<Planted> keys() {
    String anthropic = "sk-ant-api03-0123456789-9999";
    return Stream.of(
        misspelt("OPENROUTER_KEY", "OPENROUTER_API_KEY"),
        misspelt("OPEN_ROUTER_API_KEY", "OPENROUTER_API_KEY"),
        misspelt("openrouter_api_key", "OPENROUTER_API_KEY"),
        misspelt("PROXY_KEY", "PROXY_API_KEY"),
        misspelt("PROXY_TOKEN", "PROXY_API_KEY"),
        wrong(BOTH, "sk-or-v1-paste-your-key-here", "placeholder", "openrouter.ai/settings/keys"),
        wrong(BOTH, "sk-or-v1 oops-7777", "...7777 (len=18) has a space", "Copy it again"),
        wrong(BOTH, "sk-or-v1\noops-7777", "...7777 (len=18) has a space, a line", "Copy it again"),
        wrong(
            BOTH, "Bearer sk-or-v1-7777", "has a space", "without quotes, line breaks or `Bearer`"),
        wrong(BOTH, "'sk-or-v1-7777'", "has quotes around it", "Remove them"),
        wrong("PROXY_API_KEY", Patient.KEY, "is the same as OPENROUTER_API_KEY", "another one"),
        fault(
            "the two keys swapped",
            patient -> patient.set(BOTH, "my-own-words-4444").set("PROXY_API_KEY", Patient.KEY),
            "settings",
            List.of("are swapped", "PROXY_API_KEY ...7777", "OPENROUTER_API_KEY ...4444"),
            List.of("Give each the other's value")),
        warning(
            "a second key of OpenRouter for clients",
            patient -> patient.set("PROXY_API_KEY", "sk-or-v1-second-key-6666"),
            "settings",
            List.of("PROXY_API_KEY ...6666", "every client gets it"),
            List.of("openssl rand")),
        foreign(anthropic, "Anthropic", "...9999 (len=28)"),
        foreign("sk-proj-0123456789-9999", "OpenAI", "...9999"),
        foreign("gsk_0123456789-9999", "Groq", "...9999"),
        foreign("AIzaSy0123456789-9999", "Google", "...9999"),
        warning(
            "a short PROXY_API_KEY that others may try",
            patient -> patient.set("PROXY_API_KEY", "short").set("HOST", "0.0.0.0"),
            "settings",
            List.of("PROXY_API_KEY has only 5 characters", "HOST=0.0.0.0", "openssl"),
            List.of("Change it", "/admin/reload")));
  }

  private static Planted misspelt(String name, String meant) {
    return fault(
        name,
        patient -> patient.unset(meant).write(name + "=some-key-of-mine-0123"),
        "settings",
        List.of(meant + ": it is not set, but " + name + " is", "did you mean " + meant + "?"),
        List.of("Rename " + name + " to " + meant));
  }

  private static Planted wrong(String name, String value, String detail, String fix) {
    return fault(
        name + "=" + value,
        patient -> patient.set(name, value),
        "settings",
        List.of(name, detail),
        List.of(fix));
  }

  private static Planted foreign(String key, String provider, String tail) {
    return warning(
        "a key of " + provider,
        patient -> patient.set(BOTH, key),
        "settings",
        List.of("OPENROUTER_API_KEY " + tail, "looks like a key of " + provider, "127.0.0.1"),
        List.of("openrouter.ai/settings/keys", "UPSTREAM_BASE_URL"));
  }

  static Stream<Planted> others() {
    return Stream.of(
        wrong("PORT", "many", "\"many\" is not a whole number", "PORT=8080"),
        wrong("PORT", "70000", "70000 is out of range", "from 0 to 65535"),
        wrong("LOG_LEVEL", "loud", "\"LOUD\" is none of its values", "DEBUG, INFO, WARN, ERROR"),
        wrong("LOG_FORMAT", "xml", "\"XML\" is none of its values", "JSON, TEXT, AUTO"),
        wrong("FREE_ONLY", "yes", "\"yes\" is neither true nor false", "one of the two"),
        wrong("UPSTREAM_BASE_URL", "openrouter.ai/api/v1", "\"openrouter.ai/api/v1\"", "https://"),
        wrong("MODELS_LIST_URL", "list.json", "\"list.json\" is not an http(s) URL", "https://"),
        wrong("HTTPS_PROXY", "ftp://proxy:1", "\"ftp://proxy:1\"", "http://proxy.example.org:3128"),
        wrong("SSL_CERT_FILE", "/no/such.pem", "/no/such.pem does not exist", "PEM file"),
        fault(
            "a certificate file without a certificate",
            patient -> {
              Path pem = Files.writeString(patient.folder.resolve("a.pem"), "hello");
              patient.set("SSL_CERT_FILE", pem.toString());
            },
            "settings",
            List.of("SSL_CERT_FILE", "{folder}/a.pem: the file has no PEM certificate"),
            List.of("PEM file")),
        fault(
            "a certificate file with a broken certificate",
            patient -> {
              String der = Base64.getEncoder().encodeToString(new byte[] {0x30, 1, 2, 3});
              String text = "-----BEGIN CERTIFICATE-----\n" + der + "\n-----END CERTIFICATE-----\n";
              Path pem = Files.writeString(patient.folder.resolve("a.pem"), text);
              patient.set("SSL_CERT_FILE", pem.toString());
            },
            "list",
            List.of("{folder}/a.pem is not a PEM file of certificates"),
            List.of("SSL_CERT_FILE")),
        fault(
            "a key in the wrong line",
            patient -> patient.set("UPSTREAM_BASE_URL", "sk-or-v1-SECRET-5555"),
            "settings",
            List.of("UPSTREAM_BASE_URL", "...5555"),
            List.of("https://openrouter.ai/api/v1")));
  }

  @ParameterizedTest
  @MethodSource({"machine", "file", "keys", "others"})
  void names(Planted planted) throws Exception {
    planted.assertFullyNamedIn(folder);
  }

  /** For the real OpenRouter, which is not asked here. */
  @Test
  void knowsWhatKeysOfOpenRouterLookLike() throws Exception {
    for (String key : List.of("my-own-words-4444", "sk-or-v1-cut-off-4444")) {
      try (var patient = new Patient(folder)) {
        Report report =
            patient
                .set("UPSTREAM_BASE_URL", "https://openrouter.ai/api/v1")
                .set("HTTPS_PROXY", "http://127.0.0.1:1")
                .set("NO_PROXY", "127.0.0.1")
                .set(BOTH, key)
                .examine();
        assertThat(Patient.flat(report))
            .contains("! settings OPENROUTER_API_KEY ...4444", "openrouter.ai/settings/keys");
      }
    }
  }

  @Test
  void needsNoFileWhereTheEnvironmentHasTheKeys() throws Exception {
    try (var patient = new Patient(folder)) {
      Report report = patient.examine();
      assertThat(Patient.flat(report))
          .contains("✓ .env there is none at " + patient.file() + "; the environment has the keys");
      assertThat(report.summary()).isEqualTo("No fault, 1 warning (!).");
    }
  }
}

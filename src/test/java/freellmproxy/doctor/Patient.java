package freellmproxy.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.doctor.Finding.State;
import freellmproxy.testing.TestProxy;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A machine with nothing wrong, on which one fault is planted: two keys, a list of two models and
 * an upstream that has both.
 */
final class Patient implements AutoCloseable {
  static final String KEY = "sk-or-doctor-test-key-7777";
  static final String PROXY_KEY = "doctor-test-proxy-key-8888";
  static final String MODELS = "{\"data\":[{\"id\":\"a/one:free\"},{\"id\":\"b/two:free\"}]}";
  static final Map<String, String> HTML = Map.of("content-type", "text/html");
  static final String PAGE = "<html><head><title>Hotel Login</title></head></html>";

  final Vertx vertx = Vertx.vertx();
  final FakeHost host = FakeHost.start(vertx);
  final Path folder;
  private final Map<String, String> environment = new HashMap<>();
  private final List<Closing> others = new ArrayList<>();
  private UnaryOperator<Surroundings> change = UnaryOperator.identity();

  Patient(Path folder) {
    this.folder = folder;
    set("OPENROUTER_API_KEY", KEY);
    set("PROXY_API_KEY", PROXY_KEY);
    set("MODELS_LIST_URL", host.url("/list"));
    set("UPSTREAM_BASE_URL", host.url("/api/v1"));
    set("CONNECT_TIMEOUT_SEC", "1");
    set("HOST", "127.0.0.1");
    set("PORT", "0");
    serve(host);
  }

  /** Lets a host be a list and an upstream with nothing wrong. */
  static void serve(FakeHost host) {
    host.at("/list", 200, list("a/one:free", "b/two:free", Instant.now().toString()))
        .at("/api/v1/key", 200, "{\"data\":{\"free_model_daily_requests\":" + free(9) + "}}")
        .at("/api/v1/models", 200, MODELS)
        .at("/api/v1/models/user", 200, MODELS)
        .at("/api/v1/credits", 403, "{\"error\":{\"message\":\"management key required\"}}");
  }

  static String list(String first, String second, String made) {
    return "{\"updatedAt\":\"%s\",\"models\":[{\"id\":\"%s\"},{\"id\":\"%s\"}]}"
        .formatted(made, first, second);
  }

  static String free(int left) {
    return "{\"used\":%d,\"limit\":50,\"remaining\":%d}".formatted(50 - left, left);
  }

  /** What {@code /key} says of the key. */
  Patient key(String fields) {
    host.at("/api/v1/key", 200, "{\"data\":{" + fields + "}}");
    return this;
  }

  Patient set(String name, String value) {
    environment.put(name, value);
    return this;
  }

  Patient unset(String... names) {
    List.of(names).forEach(environment::remove);
    return this;
  }

  Path file() {
    return folder.resolve(".env");
  }

  /** Writes the settings file, which nobody else may read. */
  Patient write(String... lines) {
    return write(file(), "rw-------", lines);
  }

  Patient write(Path file, String rights, String... lines) {
    try {
      Files.write(file, List.of(lines));
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(rights));
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Changes what is there beside the network. */
  Patient surrounded(UnaryOperator<Surroundings> by) {
    change = by;
    return this;
  }

  /** Ends something. */
  interface Closing {
    void close() throws IOException;
  }

  /** Ends with this. */
  Patient closing(Closing other) {
    others.add(other);
    return this;
  }

  Report examine() {
    return examine(false);
  }

  Report examine(boolean complete) {
    var healthy =
        new Surroundings(
            environment,
            file(),
            Runtime.version(),
            400L << 20,
            Optional.empty(),
            Duration.ofSeconds(2));
    return Doctor.examine(vertx, change.apply(healthy), complete);
  }

  /** A fault and what the doctor is to say of it. */
  record Planted(
      String name, Plant plant, State state, String check, List<String> detail, List<String> fix) {

    /** Makes nothing work; what is said of it comes before other faults. */
    static Planted fault(
        String name, Plant plant, String check, List<String> detail, List<String> fix) {
      return new Planted(name, plant, State.FAULT, check, detail, fix);
    }

    static Planted warning(
        String name, Plant plant, String check, List<String> detail, List<String> fix) {
      return new Planted(name, plant, State.WARNING, check, detail, fix);
    }

    /** Plants it, and looks whether all is said that must be, and nothing that must not. */
    void assertFullyNamedIn(Path folder) throws Exception {
      try (var patient = new Patient(folder)) {
        plant.in(patient);
        Report report = patient.examine();
        Finding said = firstOf(report);
        assertThat(said.check()).as(report.table()).isEqualTo(check);
        assertThat(said.detail()).contains(shown(detail, patient));
        assertThat(said.fix()).contains(shown(fix, patient));
        assertThat(report.isFine()).as(report.table()).isEqualTo(state != State.FAULT);
        assertReadable(report);
      }
    }

    private Finding firstOf(Report report) {
      return report.findings().stream()
          .filter(finding -> finding.state() == state)
          .filter(finding -> state == State.FAULT || finding.check().equals(check))
          .findFirst()
          .orElseThrow(() -> new AssertionError("nothing is said: " + report.table()));
    }

    /** Words in which the port and the folder of this run stand. */
    private static List<String> shown(List<String> words, Patient patient) {
      return words.stream()
          .map(word ->
              word.replace("{port}", "" + patient.host.port())
                  .replace("{folder}", patient.folder.toString()))
          .toList();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** Makes something wrong. */
  interface Plant {
    void in(Patient patient) throws Exception;
  }

  /** A report on one line, whatever was wrapped. */
  static String flat(Report report) {
    return report.table().replaceAll("\\s+", " ");
  }

  /** Whatever is said. */
  static void assertReadable(Report report) {
    for (String text : List.of(report.table(), report.json())) {
      assertThat(text)
          .doesNotContain(KEY, PROXY_KEY, "Exception", "null", "io.vertx", "java.", "SECRET");
    }
    assertThat(report.table().lines())
        .allSatisfy(line -> assertThat(line.length() <= 80 || isOneWord(line)).as(line).isTrue());
    assertThat(report.findings())
        .allSatisfy(finding -> {
          assertThat(finding.detail()).isNotBlank();
          assertThat(finding.fix().isEmpty()).isEqualTo(finding.state() == State.OK);
          assertThat(report.json()).contains("\"check\" : \"" + finding.check() + '"');
        });
  }

  private static boolean isOneWord(String line) {
    return line.strip().replaceFirst("^[✓!✗→]( \\S+)? +", "").indexOf(' ') < 0;
  }

  @Override
  public void close() throws IOException {
    for (Closing other : others) {
      other.close();
    }
    TestProxy.await(vertx.close());
  }
}

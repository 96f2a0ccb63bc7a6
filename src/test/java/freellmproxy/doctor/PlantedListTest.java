package freellmproxy.doctor;

import static freellmproxy.doctor.Patient.HTML;
import static freellmproxy.doctor.Patient.PAGE;
import static freellmproxy.doctor.Patient.Planted.fault;
import static freellmproxy.doctor.Patient.Planted.warning;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.doctor.Patient.Plant;
import freellmproxy.doctor.Patient.Planted;
import freellmproxy.testing.TestCertificate;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Faults of the list and of the way to it. */
final class PlantedListTest {
  private static final String URL = "MODELS_LIST_URL";

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static Planted list(String name, Plant plant, String detail, String fix) {
    return fault(name, plant, "list", List.of("MODELS_LIST_URL=http", detail), List.of(fix));
  }

  private static Plant answering(int status, Map<String, String> headers, String body) {
    return patient -> patient.host.at("/list", status, headers, body);
  }

  static Stream<Planted> ways() {
    return Stream.of(
        list(
            "nobody listens",
            patient -> patient.set(URL, "http://127.0.0.1:1/list?key=SECRET"),
            "http://127.0.0.1:1/list cannot be used: nobody listens at 127.0.0.1:1",
            "Correct MODELS_LIST_URL"),
        list(
            "an unknown name",
            patient -> patient.set(URL, "http://no-such-name.invalid/list"),
            "no address is known of no-such-name.invalid:80, which is MODELS_LIST_URL",
            "spelling of MODELS_LIST_URL"),
        list("silence", answering(0, Map.of(), ""), "no answer within 2 s", "MODELS_LIST_URL"),
        list(
            "http for https",
            patient ->
                patient.set(
                    URL,
                    FakeHost.start(patient.vertx, TestCertificate.in(patient.folder).key())
                        .url("/list")
                        .replace("https:", "http:")),
            "begins with http://, but TLS is spoken there",
            "Write https:// instead of http:// into MODELS_LIST_URL"),
        list(
            "https for http",
            patient -> patient.set(URL, patient.host.url("/list").replace("http:", "https:")),
            "127.0.0.1:{port} does not speak TLS",
            "Write http:// instead of https:// into MODELS_LIST_URL"),
        list("an expired certificate", secured("ip:127.0.0.1", "-60d"), "expired on 20", "date -u"),
        list(
            "a certificate of tomorrow",
            secured("ip:127.0.0.1", "+10d"),
            "is not valid yet, but on 20",
            "date -u"),
        list(
            "a certificate of somebody else",
            secured("dns:else.test", "-1d"),
            "is made out to another name",
            "Check the host in MODELS_LIST_URL"),
        list(
            "a certificate of an unknown authority",
            secured(null, ""),
            "is vouched for by nobody whom this machine trusts",
            "set SSL_CERT_FILE"),
        list(
            "a forward proxy that is down",
            patient -> patient.set("HTTP_PROXY", "http://127.0.0.1:1"),
            "nobody listens at 127.0.0.1:1, which is HTTP_PROXY",
            "correct HTTP_PROXY, or unset it"),
        list(
            "a forward proxy that refuses",
            refusing(403),
            "which is HTTPS_PROXY does not let it through: it answered 403",
            "NO_PROXY=shir-man.com"),
        list(
            "a forward proxy that wants a login",
            refusing(407),
            "which is HTTPS_PROXY does not let it through: it wants another user and password"
                + " (407)",
            "Write them into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT"),
        list(
            "a forward proxy for http that wants a login",
            patient ->
                patient.set(
                    "HTTP_PROXY", FakeHost.start(patient.vertx).otherwise(407, HTML, PAGE).url("")),
            "the server answered 407",
            "HTTP_PROXY"));
  }

  /** With a certificate for a name, or one that nobody has signed. */
  private static Plant secured(@Nullable String name, String start) {
    return patient -> {
      TestCertificate certificate =
          name == null
              ? TestCertificate.in(patient.folder)
              : TestCertificate.signed(patient.folder, name, start);
      var host = FakeHost.start(patient.vertx, certificate.key());
      patient.set(URL, host.url("/list"));
      if (name != null) {
        patient.set("SSL_CERT_FILE", certificate.pem().toString());
      }
    };
  }

  private static Plant refusing(int status) {
    return patient ->
        patient
            .unset(URL)
            .set("NO_PROXY", "127.0.0.1")
            .set(
                "HTTPS_PROXY",
                FakeHost.start(patient.vertx).otherwise(status, Map.of(), "").url(""));
  }

  static Stream<Planted> answers() {
    Map<String, String> json = Map.of();
    return Stream.of(
        list(
            "a login page",
            answering(200, HTML, PAGE),
            "a web page, not JSON; a network that wants a login first",
            "Check MODELS_LIST_URL; without it https://shir-man.com"),
        list("a wrong path", answering(404, HTML, PAGE), "answered 404", "Correct the path in"),
        list("a refusal", answering(403, HTML, PAGE), "answered 403", "country or network"),
        list(
            "a broken server",
            answering(503, HTML, PAGE),
            "answered 503",
            "Its server is at fault"),
        list("too many reads", answering(429, json, ""), "answered 429", "MODELS_REFRESH_SEC"),
        list(
            "a redirect in a circle",
            answering(302, Map.of("location", "/list"), ""),
            "redirects more than 5 times",
            "Set MODELS_LIST_URL"),
        list("no JSON", answering(200, json, "oops"), "is not JSON", "Check MODELS_LIST_URL"),
        list("an empty answer", answering(200, json, ""), "is empty", "Check MODELS_LIST_URL"),
        list("an empty list", answering(200, json, "{\"models\":[]}"), "list is empty", "Check"),
        list("no list", answering(200, json, "{\"status\":\"ok\"}"), "no array `models`", "Check"),
        list("entries without ids", answering(200, json, "[{\"x\":1}]"), "no entry", "Check"),
        list(
            "nothing free",
            patient -> {
              patient.set("UPSTREAM_BASE_URL", "https://openrouter.ai/api/v1");
              patient.set("HTTPS_PROXY", "http://127.0.0.1:1");
              patient.host.at("/list", 200, "[{\"id\":\"a/one\"},{\"id\":\"b/two\"}]");
            },
            "none of the list's 2 entries is free by its id, and FREE_ONLY=true",
            "`:free`"),
        warning(
            "an old list",
            patient ->
                patient.host.at(
                    "/list", 200, Patient.list("a/one:free", "b/two:free", "2024-02-03T04:05:06Z")),
            "list",
            List.of("MODELS_LIST_URL=http://127.0.0.1:{port}/list is old: made 2024-02-03", "days"),
            List.of("Set MODELS_LIST_URL", "https://shir-man.com")),
        fault(
            "a list of another provider",
            patient -> {
              patient.host.otherwise(404, HTML, "");
              patient.host.at("/api/v1/key", 404, "{}").at("/api/v1/models", 200, Patient.MODELS);
              patient.host.at("/list", 200, "[{\"id\":\"c/three:free\"}]");
            },
            "models",
            List.of("has none of the list's models, such as c/three:free"),
            List.of("MODELS_LIST_URL")));
  }

  static Stream<Planted> clocks() {
    return Stream.of(clock("ahead", 40, "is 40 min behind"), clock("behind", -200, "3 h ahead of"));
  }

  /** The server's is right. */
  private static Planted clock(String name, int minutes, String detail) {
    return warning(
        "a server's clock " + name,
        patient -> {
          String date =
              DateTimeFormatter.RFC_1123_DATE_TIME.format(
                  Instant.now()
                      .plus(Duration.ofMinutes(minutes))
                      .plusSeconds(10)
                      .atOffset(ZoneOffset.UTC));
          patient.host.at("/api/v1/key", 200, Map.of("date", date), "{\"data\":{}}");
        },
        "clock",
        List.of("this machine's clock is", detail),
        List.of("timedatectl", "certificates"));
  }

  @ParameterizedTest
  @MethodSource({"ways", "answers", "clocks"})
  void names(Planted planted) throws Exception {
    planted.assertFullyNamedIn(folder);
  }

  @Test
  void looksAtTheListsClockWhereTheUpstreamIsSilent() throws Exception {
    try (var patient = new Patient(folder)) {
      String list = Patient.list("a/one:free", "b/two:free", "2024-02-03T04:05:06Z");
      patient
          .host
          .at("/list", 200, Map.of("date", "Sat, 3 Feb 2024 04:05:06 GMT"), list)
          .at("/api/v1/key", 0, "");
      assertThat(patient.examine().table()).containsPattern("! clock +this machine's clock is");
    }
  }

  /** It is as old as its cache likes. */
  @Test
  void believesNoDateOutOfACache() throws Exception {
    try (var patient = new Patient(folder)) {
      Map<String, String> cached = Map.of("date", "Sat, 3 Feb 2024 04:05:06 GMT", "age", "9");
      patient.host.at("/api/v1/key", 200, cached, "{\"data\":{}}");
      assertThat(patient.examine().table()).doesNotContain("clock");
    }
  }
}

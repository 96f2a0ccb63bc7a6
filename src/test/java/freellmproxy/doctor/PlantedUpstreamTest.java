package freellmproxy.doctor;

import static freellmproxy.doctor.Patient.HTML;
import static freellmproxy.doctor.Patient.PAGE;
import static freellmproxy.doctor.Patient.Planted.fault;
import static freellmproxy.doctor.Patient.Planted.warning;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.doctor.Patient.Plant;
import freellmproxy.doctor.Patient.Planted;
import freellmproxy.testing.RawUpstream;
import freellmproxy.testing.TestCertificate;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Faults of the upstream and of the way to it. */
final class PlantedUpstreamTest {
  private static final String URL = "UPSTREAM_BASE_URL";

  /** TLS's way to say that it knows no such version: a fatal alert with number 70. */
  private static final byte[] OLD_TLS = {21, 3, 1, 0, 2, 2, 70};

  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static Planted upstream(String name, Plant plant, String detail, String fix) {
    return fault(name, plant, "upstream", List.of("UPSTREAM_BASE_URL=http", detail), List.of(fix));
  }

  /** The whole API answers like this. */
  private static Plant answering(int status, Map<String, String> headers, String body) {
    return patient -> {
      for (String path : List.of("/key", "/models", "/models/user")) {
        patient.host.at("/api/v1" + path, status, headers, body);
      }
    };
  }

  static Stream<Planted> ways() {
    return Stream.of(
        upstream(
            "nobody listens",
            patient -> patient.set(URL, "http://127.0.0.1:1/v1"),
            "nobody listens at 127.0.0.1:1, which is UPSTREAM_BASE_URL",
            "Correct UPSTREAM_BASE_URL"),
        upstream(
            "an unknown name",
            patient -> patient.set(URL, "http://no-such-name.invalid/v1"),
            "no address is known of no-such-name.invalid:80",
            "getent hosts no-such-name.invalid"),
        upstream(
            "silence",
            answering(0, Map.of(), ""),
            "no answer comes within 2 s",
            "check host and port in UPSTREAM_BASE_URL"),
        upstream(
            "silence before TLS",
            patient -> {
              RawUpstream silent = RawUpstream.start();
              patient.set(URL, silent.url("https")).closing(silent::close);
            },
            "nothing answers at 127.0.0.1:",
            "HTTPS_PROXY"),
        upstream(
            "http for https",
            patient -> patient.set(URL, tls(patient, null, "").replace("https:", "http:")),
            "speaks TLS, and the address begins with http://",
            "Write https:// instead of http:// into UPSTREAM_BASE_URL"),
        upstream(
            "http for https, and the server says so",
            answering(400, HTML, "The plain HTTP request was sent to HTTPS port"),
            "begins with http://, but TLS is spoken there",
            "Write https://"),
        upstream(
            "https for http",
            patient -> patient.set(URL, patient.host.url("/api/v1").replace("http:", "https:")),
            "127.0.0.1:{port} does not speak TLS",
            "Write http:// instead of https:// into UPSTREAM_BASE_URL"),
        upstream(
            "no HTTP",
            patient ->
                patient.set(URL, saying(patient, "SSH-2.0-OpenSSH_10\r\n\r\n".getBytes(US_ASCII))),
            "does not speak HTTP",
            "Correct UPSTREAM_BASE_URL"),
        upstream(
            "old TLS",
            patient -> patient.set(URL, saying(patient, OLD_TLS).replace("http:", "https:")),
            "speaks none but old versions of TLS",
            "must switch TLS 1.2 or 1.3 on"),
        upstream(
            "an expired certificate", secured("ip:127.0.0.1", "-60d"), "expired on", "date -u"),
        upstream(
            "a certificate of tomorrow",
            secured("ip:127.0.0.1", "+10d"),
            "is not valid yet",
            "date -u"),
        upstream(
            "a certificate of somebody else",
            secured("dns:else.test", "-1d"),
            "made out to another name",
            "Check the host in UPSTREAM_BASE_URL"),
        upstream(
            "a certificate of an unknown authority",
            secured(null, ""),
            "vouched for by nobody",
            "set SSL_CERT_FILE"),
        upstream(
            "a forward proxy that is down",
            forwarding("http://127.0.0.1:1"),
            "nobody listens at 127.0.0.1:1, which is HTTPS_PROXY",
            "correct HTTPS_PROXY, or unset it"),
        upstream(
            "a forward proxy of an unknown name",
            forwarding("http://no-such-proxy.invalid:3128"),
            "no address is known of no-such-proxy.invalid:3128, which is HTTPS_PROXY",
            "spelling of HTTPS_PROXY"),
        upstream(
            "a forward proxy that refuses",
            patient -> forwarding(refusing(patient, 403)).in(patient),
            "does not let it through: it answered 403",
            "NO_PROXY=openrouter.ai"),
        upstream(
            "a forward proxy that wants a login",
            patient -> forwarding(refusing(patient, 407)).in(patient),
            "it wants another user and password (407)",
            "Write them into HTTPS_PROXY"),
        upstream(
            "a forward proxy for http that wants a login",
            patient ->
                patient
                    .set("HTTP_PROXY", refusing(patient, 407))
                    .set("NO_PROXY", "127.0.0.1")
                    .set(URL, "http://upstream.test/v1"),
            "the forward proxy wants another user and password (407)",
            "HTTP_PROXY"));
  }

  private static String refusing(Patient patient, int status) {
    return FakeHost.start(patient.vertx).otherwise(status, Map.of(), "").url("");
  }

  private static Plant forwarding(String proxy) {
    return patient ->
        patient
            .set(URL, "https://openrouter.ai/api/v1")
            .set("HTTPS_PROXY", proxy)
            .set("NO_PROXY", "127.0.0.1");
  }

  private static Plant secured(@Nullable String name, String start) {
    return patient -> patient.set(URL, tls(patient, name, start));
  }

  private static String tls(Patient patient, @Nullable String name, String start)
      throws IOException {
    TestCertificate certificate =
        name == null
            ? TestCertificate.in(patient.folder)
            : TestCertificate.signed(patient.folder, name, start);
    if (name != null) {
      patient.set("SSL_CERT_FILE", certificate.pem().toString());
    }
    return FakeHost.start(patient.vertx, certificate.key()).url("/api/v1");
  }

  /** Says the same to everybody who has said something. */
  private static String saying(Patient patient, byte[] words) throws IOException {
    RawUpstream server = RawUpstream.start();
    patient.closing(server::close);
    Thread.ofVirtual()
        .start(() -> {
          try {
            while (true) {
              Socket connection = server.accept();
              connection.getInputStream().read();
              connection.getOutputStream().write(words);
            }
          } catch (IOException closed) {
            // The test is over.
          }
        });
    return server.url("http");
  }

  static Stream<Planted> answers() {
    Map<String, String> cloudflare = Map.of("content-type", "text/html", "server", "cloudflare");
    return Stream.of(
        upstream(
            "a wrong path",
            patient -> patient.set(URL, patient.host.url("/v2")),
            "has no API at this path: it answered 404",
            "Set UPSTREAM_BASE_URL=http://127.0.0.1:{port}/api/v1"),
        upstream(
            "the address of the chat endpoint",
            patient -> patient.set(URL, patient.host.url("/api/v1/chat/completions")),
            "has no API at this path",
            "Set UPSTREAM_BASE_URL=http://127.0.0.1:{port}/api/v1:"),
        upstream(
            "no version in the address",
            patient -> patient.set(URL, patient.host.url("/api")),
            "has no API at this path",
            "Set UPSTREAM_BASE_URL=http://127.0.0.1:{port}/api/v1:"),
        upstream(
            "a page that is not there",
            answering(404, HTML, PAGE),
            "404: a web page, \"Hotel Login\"",
            "/chat/completions is added to it"),
        upstream(
            "a login page",
            answering(200, HTML, PAGE),
            "is no API: it answered 200: a web page, \"Hotel Login\"",
            "log in to the network"),
        upstream(
            "a redirect to a login page",
            answering(302, Map.of("location", "http://login.test/?key=SECRET"), ""),
            "redirects (302) to http://login.test/, which is not followed",
            "log in to the network with a browser"),
        upstream(
            "a redirect to https",
            answering(301, Map.of("location", "https://127.0.0.1/api/v1/key"), ""),
            "redirects to https://127.0.0.1/api/v1/key",
            "Write https:// instead of http:// into UPSTREAM_BASE_URL"),
        upstream(
            "Cloudflare",
            answering(403, cloudflare, "<title>Attention Required!</title>"),
            "\"Attention Required!\" (Cloudflare)",
            "HTTPS_PROXY. The key is not to blame"),
        upstream(
            "a region",
            answering(403, Map.of(), "{\"error\":{\"message\":\"Country not supported\"}}"),
            "refuses this place: it answered 403: Country not supported",
            "does not serve this country"),
        upstream(
            "out of order",
            answering(503, Map.of(), "{\"error\":{\"message\":\"maintenance\"}}"),
            "is out of order: it answered 503: maintenance",
            "Wait"),
        upstream("out of order, a page", answering(502, HTML, PAGE), "out of order", "Wait"),
        upstream(
            "another program",
            answering(200, Map.of(), "{\"status\":\"ok\"}"),
            "has no API at this path",
            "https://openrouter.ai/api/v1"),
        warning(
            "asked too often",
            patient -> patient.host.at("/api/v1/key", 429, "{}"),
            "key",
            List.of("asked too often (429)"),
            List.of("Wait a minute")),
        warning(
            "/key out of order",
            patient -> patient.host.at("/api/v1/key", 500, "{}"),
            "key",
            List.of("it could not be checked: it answered 500"),
            List.of("again in a few minutes")));
  }

  @ParameterizedTest
  @MethodSource({"ways", "answers"})
  void names(Planted planted) throws Exception {
    planted.assertFullyNamedIn(folder);
  }

  /** As with a forward proxy for the internet and an upstream in the house. */
  @Test
  void findsNothingWrongWithAnUpstreamThatNoProxyExcludes() throws Exception {
    try (var patient = new Patient(folder)) {
      patient.set("HTTP_PROXY", "http://127.0.0.1:1").set("NO_PROXY", "127.0.0.1");
      assertThat(patient.examine().isFine()).isTrue();
    }
  }

  @Test
  void takesAnUpstreamThatIsNotOpenRouterAsItIs() throws Exception {
    try (var patient = new Patient(folder)) {
      for (String path : List.of("/key", "/credits", "/models/user")) {
        patient.host.at("/api/v1" + path, 404, "404 page not found");
      }
      Report report = patient.examine();
      assertThat(report.isFine()).as(report.table()).isTrue();
      assertThat(Patient.flat(report)).contains("is not OpenRouter");
    }
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.await;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawUpstream;
import freellmproxy.testing.TestCertificate;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What the proxy says of a list that it cannot read: what stands in the way, in a user's words. */
final class UnreadListTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  private static void assertSays(String why, TestProxy proxy) {
    await(proxy.proxy().firstReading());
    assertThat(proxy.refresh().body()).contains("refresh_failed", why).doesNotContain("Exception");
  }

  @ParameterizedTest
  @CsvSource({
    "ip:127.0.0.1, -60d, expired on 20",
    "ip:127.0.0.1, +10d, 'is not valid yet, but on 20'",
    "dns:else.test, -1d, made out to another name",
  })
  void unwrapsWhatIsWrongWithACertificate(String name, String start, String why)
      throws IOException {
    TestCertificate certificate = TestCertificate.signed(folder, name, start);
    var options = new SandboxUpstream.Options(0, SandboxUpstream.Recording.ON, certificate.key());
    try (var proxy =
        TestProxy.start(
            options, sandbox -> new String[] {"SSL_CERT_FILE", certificate.pem().toString()})) {
      assertSays(why, proxy);
    }
  }

  @Test
  void saysThatNobodyVouchesForACertificate() throws IOException {
    var options =
        new SandboxUpstream.Options(
            0, SandboxUpstream.Recording.ON, TestCertificate.in(folder).key());
    try (var proxy = TestProxy.start(options, sandbox -> new String[0])) {
      assertSays("name its certificate in SSL_CERT_FILE", proxy);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "http://127.0.0.1:1/list, 'nobody listens at 127.0.0.1:1, which is MODELS_LIST_URL'",
    "http://no-such-name.invalid/list, no address is known of no-such-name.invalid:80",
  })
  void namesWhatItDidNotReach(String url, String why) {
    try (var proxy = TestProxy.startUnread(new FakeTime(), "MODELS_LIST_URL", url)) {
      assertSays(why, proxy);
    }
  }

  @Test
  void saysThatAServerDoesNotSpeakTls() throws IOException {
    try (var plain = TestProxy.start();
        var proxy =
            TestProxy.startUnread(
                new FakeTime(),
                "MODELS_LIST_URL",
                plain.sandbox().modelListUrl().toString().replace("http:", "https:"))) {
      assertSays("does not speak TLS; its address may have to begin with http://", proxy);
    }
  }

  @Test
  void saysThatAServerDoesNotSpeakHttp() throws IOException {
    try (var other = RawUpstream.start();
        var proxy = TestProxy.startUnread(new FakeTime(), "MODELS_LIST_URL", other.url("http"))) {
      Thread.ofVirtual()
          .start(() -> {
            try {
              while (true) {
                RawUpstream.write(other.accept(), "SSH-2.0-OpenSSH_10.0\r\n\r\n");
              }
            } catch (IOException closed) {
              // The test is over.
            }
          });
      assertSays("does not speak HTTP", proxy);
    }
  }

  static Stream<Arguments> answers() {
    return Stream.of(
        Arguments.of(Faults.html(200), "a web page, not JSON"),
        Arguments.of(Faults.status(200, "\n <html></html>"), "a web page, not JSON"),
        Arguments.of(Faults.status(200, "oops"), "the answer is not JSON"),
        Arguments.of(Faults.status(200, "[]"), "the list is empty"),
        Arguments.of(Faults.status(200, "{\"models\":[]}"), "the list is empty"),
        Arguments.of(Faults.status(200, "[{}]"), "the list has no entry that can be used"),
        Arguments.of(Faults.status(404, ""), "the server answered 404"),
        Arguments.of(
            Behaviour.of(
                new Step.Head(302, Map.of("location", "https://127.0.0.1:1/SECRET")),
                new Step.End()),
            "nobody listens at the host that the address redirects to"));
  }

  @ParameterizedTest
  @MethodSource("answers")
  void saysWhatIsWrongWithAnAnswer(Behaviour list, String why) {
    try (var proxy = TestProxy.startUnread(new FakeTime(), list)) {
      assertSays(why, proxy);
      assertThat(proxy.refresh().body()).doesNotContain("SECRET");
    }
  }
}

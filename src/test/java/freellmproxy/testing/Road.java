package freellmproxy.testing;

import freellmproxy.ProxyVertx;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.SandboxUpstream.Offer;
import freellmproxy.sandbox.SandboxUpstream.Recording;
import freellmproxy.time.Time;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;

/** How the upstream is reached. */
public enum Road {
  /** HTTP/1.1 without TLS. */
  PLAIN,
  /** HTTP/1.1 over TLS, since the upstream offers nothing else. */
  TLS,
  /** HTTP/2 over TLS, as OpenRouter is reached. */
  HTTP_2;

  /**
   * Whether tests that are many play all of them on each road, and not only on the first ({@code
   * -Droads=all}).
   */
  public static final boolean ALL_IN_FULL = "all".equals(System.getProperty("roads"));

  /** To make one takes a second, and whoever runs many proxies has better things to do. */
  private static final class Shared {
    private static final TestCertificate CERTIFICATE = make();

    private static TestCertificate make() {
      try {
        Path folder = Files.createTempDirectory("road");
        TestCertificate made = TestCertificate.in(folder);
        Stream.of(folder, Path.of(made.key().getPath()), made.pem())
            .forEach(path -> path.toFile().deleteOnExit());
        return made;
      } catch (IOException e) {
        throw new UncheckedIOException("there is no room for a certificate", e);
      }
    }
  }

  /** One that all tests share which run in this process. */
  public static TestCertificate certificate() {
    return Shared.CERTIFICATE;
  }

  /** What to start a sandbox at its end with. */
  public SandboxUpstream.Options options(Recording recording) {
    return switch (this) {
      case PLAIN -> new SandboxUpstream.Options(0, recording, null);
      case TLS ->
          new SandboxUpstream.Options(0, recording, Shared.CERTIFICATE.key(), Offer.HTTP_1_1);
      case HTTP_2 ->
          new SandboxUpstream.Options(0, recording, Shared.CERTIFICATE.key(), Offer.HTTP_2);
    };
  }

  /** These settings, and those that the road needs. */
  public String[] settings(String... settings) {
    return this == PLAIN
        ? settings
        : Stream.concat(
                Arrays.stream(settings),
                Stream.of("SSL_CERT_FILE", Shared.CERTIFICATE.pem().toString()))
            .toArray(String[]::new);
  }

  /** Starts a proxy on this road. */
  public TestProxy start(Time time, String... settings) {
    return TestProxy.start(
        ProxyVertx.create(), time, options(Recording.ON), sandbox -> settings(settings));
  }
}

package freellmproxy.egress;

import freellmproxy.config.Settings.Egress;
import freellmproxy.config.Settings.ProxyServer;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import io.vertx.core.net.TrustOptions;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Turns what the operator set into options of the HTTP client. Stateless. */
public final class OutboundHttp {
  /** Of an answer: edge servers send policies and cookies of many kilobytes. */
  public static final int MAX_HEADER_BYTES = 64 << 10;

  private OutboundHttp() {}

  /**
   * Options for calls to one target. HTTPS negotiates HTTP/2, plain HTTP stays at 1.1.
   *
   * @param connect limit for TCP, and again for TLS; whoever needs the sum limited watches it
   * @throws CertificateProblem when a certificate file cannot be used
   */
  public static HttpClientOptions options(URI target, Egress egress, Duration connect) {
    boolean tls = "https".equalsIgnoreCase(target.getScheme());
    var options =
        new HttpClientOptions()
            .setSsl(tls)
            .setUseAlpn(tls)
            .setProtocolVersion(tls ? HttpVersion.HTTP_2 : HttpVersion.HTTP_1_1)
            .setHttp2ClearTextUpgrade(false)
            .setMaxHeaderSize(MAX_HEADER_BYTES)
            .setInitialSettings(new Http2Settings().setMaxHeaderListSize(MAX_HEADER_BYTES))
            .setConnectTimeout(Math.toIntExact(connect.toMillis()))
            .setSslHandshakeTimeout(connect.toMillis())
            .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS)
            .setTcpKeepAlive(true);
    proxy(egress).ifPresent(options::setProxyOptions);
    // For a target without TLS too: it may redirect to one that has it.
    TrustedCertificates.trust(egress.certificates())
        .map(TrustOptions::wrap)
        .ifPresent(options::setTrustOptions);
    return options;
  }

  private static Optional<ProxyOptions> proxy(Egress egress) {
    ProxyServer server = egress.proxy();
    if (server == null) {
      return Optional.empty();
    }
    var options =
        new ProxyOptions()
            .setType(
                switch (server.kind()) {
                  case HTTP -> ProxyType.HTTP;
                  case SOCKS5 -> ProxyType.SOCKS5;
                })
            .setHost(server.host())
            .setPort(server.port());
    if (server.user() != null) {
      options.setUsername(server.user());
    }
    if (server.password() != null) {
      options.setPassword(server.password().reveal());
    }
    return Optional.of(options);
  }
}

package freellmproxy.upstream;

import freellmproxy.config.Setting;
import freellmproxy.config.Settings;
import freellmproxy.egress.ConnectFailure;
import freellmproxy.egress.Destination;
import freellmproxy.egress.Dial;
import freellmproxy.egress.Dialer;
import freellmproxy.egress.OutboundHttp;
import freellmproxy.time.Time;
import freellmproxy.upstream.UpstreamReply.Failure;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.netty.channel.ConnectTimeoutException;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpConnectOptions;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import io.vertx.core.net.SocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Opens connections to the upstream, on the event loop that asks for them. */
final class Connector {
  /** So much of a request may be on its way at once (docs/decisions/0019). */
  private static final int SEND_BUFFER_BYTES = 1 << 20;

  private final HttpClientAgent http;
  private final SilentConnections silent;
  private final HttpConnectOptions target;
  private final boolean mayMultiplex;
  private final @Nullable ProxyOptions proxy;
  private final @Nullable ProxyOptions relay;
  private final Dialer dialer;
  private final Destination destination;
  private final Time time;

  /**
   * For one upstream.
   *
   * @param limit of one attempt at one address: for TCP, and again for TLS
   */
  Connector(Vertx vertx, Settings.Upstream upstream, Duration limit, Time time) {
    this.time = time;
    URI url = upstream.baseUrl();
    HttpClientOptions options = OutboundHttp.options(url, upstream.egress(), limit);
    options.setSendBufferSize(SEND_BUFFER_BYTES).setDecompressionSupported(true);
    this.mayMultiplex = options.isSsl() && upstream.mayMultiplex();
    if (!mayMultiplex) {
      // TLS names no other version then, and the upstream may choose none (docs/decisions/0050).
      options
          .setProtocolVersion(HttpVersion.HTTP_1_1)
          .setAlpnVersions(List.of(HttpVersion.HTTP_1_1));
    }
    int defaultPort = options.isSsl() ? 443 : 80;
    this.destination = new Destination(url, upstream.egress(), Setting.UPSTREAM_BASE_URL);
    this.target =
        new HttpConnectOptions()
            .setHost(url.getHost())
            .setPort(url.getPort() == -1 ? defaultPort : url.getPort())
            .setSsl(options.isSsl());
    this.proxy = options.getProxyOptions();
    this.relay = relay(options);
    if (relay != null) {
      options.setProxyOptions(null);
    }
    this.dialer = new Dialer(vertx, time);
    this.http = vertx.createHttpClient(options);
    this.silent = new SilentConnections(http);
  }

  /** What is not encrypted passes an HTTP proxy request by request, not through a tunnel. */
  private static @Nullable ProxyOptions relay(HttpClientOptions options) {
    ProxyOptions proxy = options.getProxyOptions();
    boolean isRelay = proxy != null && !options.isSsl() && proxy.getType() == ProxyType.HTTP;
    return isRelay ? proxy : null;
  }

  /** Whether a connection may turn out to carry many calls at once. */
  boolean mayMultiplex() {
    return mayMultiplex;
  }

  /** The forward proxy that each request must be addressed to, if there is one. */
  @Nullable ProxyOptions relay() {
    return relay;
  }

  /** Opens one; {@code onClose} is told once, when it has closed. */
  Dial<UpstreamConnection> open(Consumer<UpstreamConnection> onClose) {
    String host = proxy == null ? target.getHost() : proxy.getHost();
    int port = proxy == null ? target.getPort() : proxy.getPort();
    return dialer.dial(
        host,
        port,
        address -> http.connect(by(address)).map(opened -> take(opened, onClose)),
        UpstreamConnection::close);
  }

  /** The names in the request, in TLS and for a tunnel stay what they are. */
  private HttpConnectOptions by(SocketAddress address) {
    var by = new HttpConnectOptions(target);
    return proxy == null || relay != null
        ? by.setServer(address)
        : by.setProxyOptions(new ProxyOptions(proxy).setHost(address.host()));
  }

  private UpstreamConnection take(
      HttpClientConnection opened, Consumer<UpstreamConnection> onClose) {
    return opened.protocolVersion() == HttpVersion.HTTP_2
        ? new Http2Connection(opened, onClose)
        : new Http1Connection(opened, time, onClose);
  }

  SilentConnections silent() {
    return silent;
  }

  /** What a failure to open one means. */
  Failure failure(Throwable thrown) {
    Fault fault =
        switch (ConnectFailure.of(thrown)) {
          case NO_FILE_DESCRIPTOR -> Fault.NO_FILE_DESCRIPTOR;
          case TLS -> Fault.TLS_FAILED;
          case FORWARD_PROXY -> Fault.FORWARD_PROXY_FAILED;
          case REFUSED -> Fault.CONNECT_FAILED;
          case TIMED_OUT -> Fault.CONNECT_TIMEOUT;
          case UNKNOWN_HOST -> Fault.UNKNOWN_HOST;
        };
    return new Failure(fault, destination.why(thrown));
  }

  /** What it means when none has opened by now, or failed. */
  Failure silence() {
    return failure(new ConnectTimeoutException());
  }

  /** Closes all that were opened. */
  void close() {
    http.close();
  }
}

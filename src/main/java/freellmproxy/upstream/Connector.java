package freellmproxy.upstream;

import freellmproxy.config.Settings;
import freellmproxy.egress.OutboundHttp;
import freellmproxy.time.Time;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.netty.handler.proxy.ProxyConnectException;
import io.vertx.core.Future;
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
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Opens connections to the upstream, on the event loop that asks for them. */
final class Connector {
  /** EMFILE in the words of the C library; no exception has a type for it. */
  private static final String NO_FILE_DESCRIPTOR = "Too many open files";

  /** So much of a request may be on its way at once (docs/decisions/0019). */
  private static final int SEND_BUFFER_BYTES = 1 << 20;

  private final HttpClientAgent http;
  private final SilentConnections silent;
  private final HttpConnectOptions target;
  private final @Nullable ProxyOptions relay;
  private final Time time;

  /**
   * For one upstream.
   *
   * @param limit for TCP, and again for TLS
   */
  Connector(Vertx vertx, Settings.Upstream upstream, Duration limit, Time time) {
    this.time = time;
    URI url = upstream.baseUrl();
    HttpClientOptions options = OutboundHttp.options(url, upstream.egress(), limit);
    options.setSendBufferSize(SEND_BUFFER_BYTES).setDecompressionSupported(true);
    int defaultPort = options.isSsl() ? 443 : 80;
    this.target =
        new HttpConnectOptions()
            .setHost(url.getHost())
            .setPort(url.getPort() == -1 ? defaultPort : url.getPort())
            .setSsl(options.isSsl());
    this.relay = relay(options);
    if (relay != null) {
      target.setServer(SocketAddress.inetSocketAddress(relay.getPort(), relay.getHost()));
      options.setProxyOptions(null);
    }
    this.http = vertx.createHttpClient(options);
    this.silent = new SilentConnections(http);
  }

  /** What is not encrypted passes an HTTP proxy request by request, not through a tunnel. */
  private static @Nullable ProxyOptions relay(HttpClientOptions options) {
    ProxyOptions proxy = options.getProxyOptions();
    boolean isRelay = proxy != null && !options.isSsl() && proxy.getType() == ProxyType.HTTP;
    return isRelay ? proxy : null;
  }

  boolean isTls() {
    return target.isSsl();
  }

  /** The forward proxy that each request must be addressed to, if there is one. */
  @Nullable ProxyOptions relay() {
    return relay;
  }

  /** Opens one; {@code onClose} is told once, when it has closed. */
  Future<UpstreamConnection> open(Consumer<UpstreamConnection> onClose) {
    return http.connect(target).map(opened -> take(opened, onClose));
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
  static Fault fault(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnknownHostException) {
        return Fault.UNKNOWN_HOST;
      }
      if (cause instanceof SSLException) {
        return Fault.TLS_FAILED;
      }
      if (cause instanceof ProxyConnectException) {
        return Fault.FORWARD_PROXY_FAILED;
      }
      if (String.valueOf(cause.getMessage()).endsWith(NO_FILE_DESCRIPTOR)) {
        return Fault.NO_FILE_DESCRIPTOR;
      }
    }
    return Fault.CONNECT_FAILED;
  }

  /** Closes all that were opened. */
  void close() {
    http.close();
  }
}

package freellmproxy.egress;

import freellmproxy.config.Settings.Egress;
import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.netty.channel.ConnectTimeoutException;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.SocketAddress;
import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Single requests to the outside, over the first address of a name that stands. The upstream has a
 * pool of its own instead. For one event loop, but for {@link #close}.
 */
public final class OutboundRequests {
  private final HttpClient client;
  private final @Nullable ProxyOptions proxy;
  private final Dialer dialer;
  private final Time time;
  private final Duration connect;

  /** What is done with compressed answers. */
  public enum Compression {
    /** They come as they are. */
    KEPT,
    /** They are inflated as they come, without a limit. */
    REMOVED
  }

  /**
   * For requests to a target and wherever it redirects to.
   *
   * @param connect limit for one connection in all, names and TLS included
   */
  public OutboundRequests(
      Vertx vertx,
      URI target,
      Egress egress,
      Duration connect,
      Compression compression,
      Time time) {
    HttpClientOptions options = OutboundHttp.options(target, egress, connect);
    options.setDecompressionSupported(compression == Compression.REMOVED);
    this.client = vertx.createHttpClient(options);
    this.proxy = options.getProxyOptions();
    this.dialer = new Dialer(vertx, time);
    this.time = time;
    this.connect = connect;
  }

  /**
   * A request that can be sent, on a connection that stands.
   *
   * @param options an absolute address among them
   */
  public Future<HttpClientRequest> request(RequestOptions options) {
    String host = proxy == null ? options.getHost() : proxy.getHost();
    int port = proxy == null ? options.getPort() : proxy.getPort();
    Promise<HttpClientRequest> ready = Promise.promise();
    Dial<HttpClientRequest> dial =
        dialer.dial(
            host, port, address -> client.request(by(address, options)), HttpClientRequest::reset);
    Timer limit =
        time.after(
            connect,
            () -> {
              dial.stop();
              ready.tryFail(
                  new ConnectTimeoutException("no connection in " + connect.toSeconds() + " s"));
            });
    dial.first()
        .onComplete(
            request -> {
              limit.cancel();
              if (!ready.tryComplete(request)) {
                request.reset();
              }
            },
            failure -> {
              limit.cancel();
              ready.tryFail(failure);
            });
    return ready.future();
  }

  private RequestOptions by(SocketAddress address, RequestOptions options) {
    var by = new RequestOptions(options);
    return proxy == null
        ? by.setServer(server(address))
        : by.setProxyOptions(new ProxyOptions(proxy).setHost(address.host()));
  }

  /** Vert.x makes an address line of it, in which IPv6 must have its brackets. */
  private static SocketAddress server(SocketAddress address) {
    String host = address.host();
    return host.indexOf(':') < 0
        ? address
        : SocketAddress.inetSocketAddress(address.port(), "[" + host + "]");
  }

  /** Closes all connections. */
  public Future<Void> close() {
    return client.close();
  }
}

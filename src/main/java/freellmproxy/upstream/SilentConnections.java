package freellmproxy.upstream;

import io.netty.channel.Channel;
import io.netty.channel.group.ChannelGroup;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.impl.http2.codec.VertxHttp2ConnectionHandler;
import io.vertx.core.http.impl.tcp.TcpHttpClientTransport;
import io.vertx.core.internal.http.HttpClientInternal;
import io.vertx.core.net.impl.tcp.NetClientImpl;
import java.util.List;

/**
 * Connections of HTTP/2 on which TLS stands and the upstream has not said a word since. Vert.x
 * waits for that word without a limit, and until then gives nobody a connection to close.
 */
final class SilentConnections {
  private final ChannelGroup all;

  SilentConnections(HttpClientAgent http) {
    var transport = (TcpHttpClientTransport) ((HttpClientInternal) http).tcpTransport();
    this.all = ((NetClientImpl) transport.client()).channelGroup;
  }

  /** Those of now. */
  List<Channel> now() {
    return all.stream().filter(SilentConnections::isSilent).toList();
  }

  /** Closes those that have said nothing still. */
  static void close(List<Channel> silent) {
    for (Channel connection : silent) {
      if (isSilent(connection)) {
        var _ = connection.close();
      }
    }
  }

  private static boolean isSilent(Channel connection) {
    VertxHttp2ConnectionHandler<?> http2 =
        connection.pipeline().get(VertxHttp2ConnectionHandler.class);
    return http2 != null && !http2.connectFuture().isDone();
  }
}

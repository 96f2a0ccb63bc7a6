package freellmproxy.egress;

import freellmproxy.time.Time;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.net.SocketAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Connects to whichever address of a name stands first (docs/decisions/0029). For one event loop.
 */
public final class Dialer {
  private final HostAddresses names;
  private final Time time;

  public Dialer(Vertx vertx, Time time) {
    this.names = new HostAddresses(vertx);
    this.time = time;
  }

  /**
   * Begins to connect.
   *
   * @param host a name or an address, of the target or of the forward proxy on the way to it
   * @param open makes one attempt, which has a limit of its own
   * @param discard closes what is not needed since another address was faster
   */
  public <T> Dial<T> dial(
      String host, int port, Function<SocketAddress, Future<T>> open, Consumer<T> discard) {
    var dial = new Dial<T>(time, address -> open.apply(literal(address, port)), discard);
    List<InetAddress> literal = HostAddresses.literal(host);
    if (!literal.isEmpty()) {
      dial.begin(literal);
    } else {
      names.of(host).onComplete(dial::begin, dial::fail);
    }
    return dial;
  }

  /** Without its name, which would be looked up again. */
  private static SocketAddress literal(InetAddress address, int port) {
    return SocketAddress.inetSocketAddress(port, address.getHostAddress());
  }
}

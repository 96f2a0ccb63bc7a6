package freellmproxy.egress;

import io.netty.util.NetUtil;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Addresses for event loops: the system is asked on other threads, since it can take as long as it
 * likes. For one event loop.
 */
final class HostAddresses {
  /** A few names at a time; who waits for a dead name server must not keep parsers from working. */
  private static final int THREADS = 2;

  private final WorkerExecutor threads;
  private final Map<String, Future<List<InetAddress>>> asked = new HashMap<>();

  HostAddresses(Vertx vertx) {
    this.threads = vertx.createSharedWorkerExecutor("name-lookup", THREADS);
  }

  /** The address that this already is; empty when it is a name. */
  static List<InetAddress> literal(String host) {
    if (!NetUtil.isValidIpV4Address(host) && !NetUtil.isValidIpV6Address(host)) {
      return List.of();
    }
    try {
      return List.of(InetAddress.getByName(host));
    } catch (UnknownHostException noSuchZone) {
      return List.of();
    }
  }

  /**
   * Asks the system, once for all who want to know at the same time.
   *
   * @return at least one address; fails with {@link UnknownHostException}
   */
  Future<List<InetAddress>> of(String host) {
    Future<List<InetAddress>> running = asked.get(host);
    if (running != null) {
      return running;
    }
    Future<List<InetAddress>> lookup =
        threads.executeBlocking(() -> Names.lookUp(host), false).map(Objects::requireNonNull);
    asked.put(host, lookup);
    lookup.onComplete(told -> asked.remove(host));
    return lookup;
  }
}

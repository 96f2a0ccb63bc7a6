package freellmproxy.egress;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * All addresses of a name, as the system knows them: Vert.x's resolver gives one family only, and
 * one line of the hosts file. Java keeps an answer for half a minute.
 */
public final class Names {
  /** A name with more is tried at these; with 250 ms each all have begun within a connect limit. */
  private static final int MOST = 6;

  private static final byte[] LOOPBACK_4 = {127, 0, 0, 1};
  private static final byte[] LOOPBACK_6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

  private Names() {}

  /**
   * Asks the system, which can take as long as it likes: not for event loops.
   *
   * @return at least one address, in the order in which they are to be tried
   * @throws UnknownHostException when there is none
   */
  public static List<InetAddress> lookUp(String host) throws UnknownHostException {
    if (isLocal(host)) {
      return List.of(InetAddress.getByAddress(LOOPBACK_4), InetAddress.getByAddress(LOOPBACK_6));
    }
    var four = new ArrayList<InetAddress>();
    var six = new ArrayList<InetAddress>();
    for (InetAddress address : InetAddress.getAllByName(host)) {
      (address instanceof Inet4Address ? four : six).add(address);
    }
    return inTurns(four, six);
  }

  /** RFC 6761 section 6.3: it is the loopback interface, whatever a hosts file leaves out. */
  private static boolean isLocal(String host) {
    String name = host.toLowerCase(Locale.ROOT);
    return name.equals("localhost") || name.endsWith(".localhost");
  }

  /**
   * The families in turns (RFC 8305 section 4), but IPv4 first: where there is no IPv6 nothing
   * answers to it, and every connection would wait.
   */
  private static List<InetAddress> inTurns(List<InetAddress> four, List<InetAddress> six) {
    var all = new ArrayList<InetAddress>();
    for (int i = 0; i < Math.max(four.size(), six.size()); i++) {
      if (i < four.size()) {
        all.add(four.get(i));
      }
      if (i < six.size()) {
        all.add(six.get(i));
      }
    }
    return List.copyOf(all.subList(0, Math.min(all.size(), MOST)));
  }
}

package freellmproxy.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** Whether this machine has IPv6 on its loopback interface; many containers have none. */
public final class Ipv6 {
  public static final String LOOPBACK = "::1";

  private Ipv6() {}

  /** Skips a test that listens at this address where that is impossible. */
  public static void assumeFor(String address) {
    assumeTrue(!address.equals(LOOPBACK) || isThere(), "a loopback interface with IPv6");
  }

  private static boolean isThere() {
    try (var server = new ServerSocket(0, 1, InetAddress.getAllByName(LOOPBACK)[0])) {
      return server.isBound();
    } catch (IOException none) {
      return false;
    }
  }
}

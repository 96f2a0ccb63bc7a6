package freellmproxy.egress;

import freellmproxy.config.Setting;
import freellmproxy.config.Settings.Egress;
import freellmproxy.config.Settings.ProxyServer;
import java.net.NoRouteToHostException;
import java.net.URI;

/**
 * Where connections lead, as people are told of it when none stands. Its words name hosts, ports
 * and settings, never what a server sent and never credentials.
 */
public final class Destination {
  private final String target;
  private final String dialled;
  private final String forwardProxy;

  /**
   * A target and the way to it.
   *
   * @param setting the one that names the target
   */
  public Destination(URI target, Egress egress, Setting setting) {
    int defaultPort = "https".equalsIgnoreCase(target.getScheme()) ? 443 : 80;
    int port = target.getPort() == -1 ? defaultPort : target.getPort();
    ProxyServer proxy = egress.proxy();
    this.target = target.getHost() + ":" + port;
    this.forwardProxy =
        proxy == null ? "" : proxy.host() + ":" + proxy.port() + ", which is " + proxy.setting();
    this.dialled = proxy == null ? this.target + ", which is " + setting : forwardProxy;
  }

  /** Why no connection stands: half a sentence, which begins with a small letter. */
  public String why(Throwable failure) {
    return switch (ConnectFailure.of(failure)) {
      case NO_FILE_DESCRIPTOR -> "this process has as many files open as it may: ulimit -n";
      case TLS -> TlsFailure.why(failure, target);
      case FORWARD_PROXY -> forwardProxy + " does not let it through" + refusalOf(failure);
      case REFUSED -> refused(failure);
      case TIMED_OUT -> "nothing answers at " + dialled;
      case UNKNOWN_HOST -> "no address is known of " + dialled;
    };
  }

  private String refused(Throwable failure) {
    if (failure instanceof NoRouteToHostException || says(failure, "unreachable")) {
      return "no network leads to " + dialled;
    }
    return says(failure, "refused")
        ? "nobody listens at " + dialled
        : "the connection was closed at once by " + dialled;
  }

  /** Netty writes the forward proxy's status behind everything else. */
  private static String refusalOf(Throwable failure) {
    if (says(failure, " 407")) {
      return ": it wants another user and password (407)";
    }
    String message = String.valueOf(failure.getMessage());
    int status = message.lastIndexOf("status: ");
    return status < 0 || message.length() < status + 11
        ? ""
        : ": it answered " + message.substring(status + 8, status + 11);
  }

  private static boolean says(Throwable failure, String words) {
    return String.valueOf(failure.getMessage()).contains(words);
  }
}

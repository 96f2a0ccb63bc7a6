package freellmproxy.egress;

import freellmproxy.config.Setting;
import freellmproxy.config.Settings.Egress;
import freellmproxy.config.Settings.ProxyServer;
import io.netty.handler.codec.DecoderException;
import java.net.NoRouteToHostException;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * Where connections lead, as people are told of it when none stands. Its words name hosts, ports
 * and settings, never what a server sent and never credentials.
 */
public final class Destination {
  private final Setting setting;
  private final String host;
  private final String target;
  private final String dialled;
  private final @Nullable ProxyServer proxy;
  private final String forwardProxy;

  /**
   * A target and the way to it.
   *
   * @param setting the one that names the target
   */
  public Destination(URI target, Egress egress, Setting setting) {
    this(setting, target.getHost(), hostAndPort(target), egress);
  }

  private Destination(Setting setting, String host, String target, Egress egress) {
    this.setting = setting;
    this.host = host;
    this.target = target;
    this.proxy = egress.proxy();
    this.forwardProxy =
        proxy == null ? "" : proxy.host() + ":" + proxy.port() + ", which is " + proxy.setting();
    this.dialled = proxy == null ? target + ", which is " + setting : forwardProxy;
  }

  /** Where a server has sent us from the target; what it said is not repeated. */
  public static Destination redirected(Egress egress, Setting setting) {
    String somewhere = "the host that the address redirects to";
    return new Destination(setting, "that host", somewhere, egress);
  }

  private static String hostAndPort(URI target) {
    int defaultPort = "https".equalsIgnoreCase(target.getScheme()) ? 443 : 80;
    return target.getHost() + ":" + (target.getPort() == -1 ? defaultPort : target.getPort());
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

  /** Whether a failure shows that TLS is spoken there, whatever else is wrong. */
  public static boolean speaksTls(Throwable failure) {
    return ConnectFailure.of(failure) == ConnectFailure.TLS && TlsFailure.isFromTlsPeer(failure);
  }

  /** What its owner can do about it: a sentence or two. */
  public String remedy(Throwable failure) {
    return switch (ConnectFailure.of(failure)) {
      case NO_FILE_DESCRIPTOR -> "Raise `ulimit -n` to 4096 or more.";
      case TLS -> TlsFailure.remedy(failure, setting, host);
      case FORWARD_PROXY -> remedyOfRefusal(failure);
      case REFUSED ->
          proxy == null
              ? "Correct "
                  + setting
                  + ", or start what is to listen there; behind a firewall set"
                  + " HTTPS_PROXY."
              : "Start that forward proxy, correct " + proxy.setting() + ", or unset it.";
      case TIMED_OUT ->
          proxy == null
              ? "Check network and firewall (`curl -v` with that address), and the port in "
                  + setting
                  + "; where a company has a forward proxy, set HTTPS_PROXY."
              : "Correct " + proxy.setting() + ", or unset it where no forward proxy is needed.";
      case UNKNOWN_HOST ->
          proxy == null
              ? "Check the spelling of "
                  + setting
                  + " and whether this machine has a network and a name server (`getent hosts "
                  + host
                  + "`); where a company has a forward proxy, set HTTPS_PROXY."
              : "Check the spelling of " + proxy.setting() + ", or unset it.";
    };
  }

  private String remedyOfRefusal(Throwable failure) {
    String name = proxy == null ? "HTTPS_PROXY" : proxy.setting().name();
    return isAboutLogin(failure)
        ? "Write them into " + name + ": http://USER:PASSWORD@HOST:PORT, with %40 for an @."
        : "Have " + host + " allowed there, or go around it with NO_PROXY=" + host + ".";
  }

  private String refused(Throwable failure) {
    if (failure instanceof NoRouteToHostException || says(failure, "unreachable")) {
      return "no network leads to " + dialled;
    }
    if (says(failure, "refused")) {
      return "nobody listens at " + dialled;
    }
    // Netty's and Vert.x's own exceptions about what cannot be read.
    return failure instanceof IllegalArgumentException || failure instanceof DecoderException
        ? "what answers at " + dialled + ", does not speak HTTP"
        : "the connection was closed at once by " + dialled;
  }

  /** Netty writes the forward proxy's status behind everything else. */
  private static String refusalOf(Throwable failure) {
    if (isAboutLogin(failure)) {
      return ": it wants another user and password (407)";
    }
    String message = String.valueOf(failure.getMessage());
    int status = message.lastIndexOf("status: ");
    return status < 0 || message.length() < status + 11
        ? ""
        : ": it answered " + message.substring(status + 8, status + 11);
  }

  private static boolean isAboutLogin(Throwable failure) {
    return says(failure, " 407") || says(failure, "authStatus");
  }

  private static boolean says(Throwable failure, String words) {
    return String.valueOf(failure.getMessage()).contains(words);
  }
}

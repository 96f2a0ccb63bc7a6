package freellmproxy.egress;

import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.proxy.ProxyConnectException;
import java.net.UnknownHostException;
import javax.net.ssl.SSLException;

/** Why a connection could not be opened, the more telling reasons first: those that got further. */
public enum ConnectFailure {
  /** The proxy's own fault: it has as many files open as it may. */
  NO_FILE_DESCRIPTOR,
  TLS,
  FORWARD_PROXY,
  REFUSED,
  TIMED_OUT,
  UNKNOWN_HOST;

  /** EMFILE in the words of the C library; no exception has a type for it. */
  private static final String NO_MORE_FILES = "Too many open files";

  /** What an exception of Netty's or Vert.x's means. */
  public static ConnectFailure of(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnknownHostException) {
        return UNKNOWN_HOST;
      }
      if (cause instanceof SSLException) {
        return TLS;
      }
      if (cause instanceof ProxyConnectException) {
        return FORWARD_PROXY;
      }
      if (cause instanceof ConnectTimeoutException) {
        return TIMED_OUT;
      }
      if (String.valueOf(cause.getMessage()).endsWith(NO_MORE_FILES)) {
        return NO_FILE_DESCRIPTOR;
      }
    }
    return REFUSED;
  }

  static Throwable moreTelling(Throwable a, Throwable b) {
    return of(b).compareTo(of(a)) < 0 ? b : a;
  }
}

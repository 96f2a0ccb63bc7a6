package freellmproxy.config;

import java.net.InetAddress;
import java.util.List;

/** A key that strangers could guess. On the loopback interface only this machine can try. */
final class ShortKey {
  private static final int SHORTEST = 16;

  private ShortKey() {}

  /** What is odd about the key that clients send; nothing when all is well. */
  static List<String> warnings(Settings.Keys keys, Settings.Listen listen) {
    int length = keys.proxy().reveal().length();
    if (length >= SHORTEST || isLoopback(listen.host())) {
      return List.of();
    }
    return List.of(
        "PROXY_API_KEY has only "
            + length
            + " characters and HOST="
            + listen.host()
            + " lets other machines try theirs; take "
            + SHORTEST
            + " or more, for example from `openssl rand -hex 24`, or HOST=127.0.0.1");
  }

  /** Without asking a name server. */
  private static boolean isLoopback(String host) {
    try {
      return host.equalsIgnoreCase("localhost") || InetAddress.ofLiteral(host).isLoopbackAddress();
    } catch (IllegalArgumentException name) {
      return false;
    }
  }
}

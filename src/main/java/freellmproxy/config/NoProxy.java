package freellmproxy.config;

import io.netty.util.NetUtil;
import java.math.BigInteger;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Hosts that are reached without a forward proxy, as curl reads {@code NO_PROXY}: names stand for
 * themselves and all names below them, a leading dot or {@code *.} is optional, {@code *} stands
 * for everything, and {@code 10.0.0.0/8} for the addresses of a network. Names are not looked up
 * for that.
 */
record NoProxy(List<String> entries) {

  static NoProxy parse(String text) {
    return new NoProxy(
        Stream.of(text.split("[,\\s]+"))
            .map(entry -> entry.toLowerCase(Locale.ROOT).strip())
            .map(entry -> entry.replaceFirst("^\\*?\\.", ""))
            .filter(entry -> !entry.isEmpty())
            .toList());
  }

  boolean covers(URI target) {
    String host = target.getHost().toLowerCase(Locale.ROOT).replace("[", "").replace("]", "");
    String hostAndPort = host + ":" + port(target);
    return entries.stream()
        .anyMatch(entry ->
            entry.equals("*")
                || matches(host, entry)
                || matches(hostAndPort, entry)
                || isIn(entry, host));
  }

  /** Whether an address is one of a network, as RFC 4632 section 3.1 and RFC 4291 write it. */
  private static boolean isIn(String network, String host) {
    int slash = network.indexOf('/');
    byte[] address = NetUtil.createByteArrayFromIpAddressString(host);
    if (slash < 0 || address == null) {
      return false;
    }
    byte[] first = NetUtil.createByteArrayFromIpAddressString(network.substring(0, slash));
    String length = network.substring(slash + 1);
    if (first == null || first.length != address.length || !length.matches("\\d{1,3}")) {
      return false;
    }
    int rest = address.length * Byte.SIZE - Integer.parseInt(length);
    return rest >= 0
        && new BigInteger(1, address)
            .shiftRight(rest)
            .equals(new BigInteger(1, first).shiftRight(rest));
  }

  private static boolean matches(String host, String entry) {
    return host.equals(entry) || host.endsWith("." + entry);
  }

  private static int port(URI target) {
    if (target.getPort() >= 0) {
      return target.getPort();
    }
    return "https".equals(target.getScheme()) ? 443 : 80;
  }
}

package freellmproxy.config;

import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Hosts that are reached without a forward proxy, as curl reads {@code NO_PROXY}: names stand for
 * themselves and all names below them, a leading dot is optional, {@code *} stands for everything.
 */
record NoProxy(List<String> entries) {

  static NoProxy parse(String text) {
    return new NoProxy(
        Stream.of(text.split("[,\\s]+"))
            .map(entry -> entry.toLowerCase(Locale.ROOT).strip())
            .map(entry -> entry.startsWith(".") ? entry.substring(1) : entry)
            .filter(entry -> !entry.isEmpty())
            .toList());
  }

  boolean covers(URI target) {
    String host = target.getHost().toLowerCase(Locale.ROOT).replace("[", "").replace("]", "");
    String hostAndPort = host + ":" + port(target);
    return entries.stream()
        .anyMatch(
            entry -> entry.equals("*") || matches(host, entry) || matches(hostAndPort, entry));
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

package freellmproxy.doctor;

import java.net.URI;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.stream.Stream;

/** Base addresses that may have been meant, of the same host. */
final class BasePaths {
  private BasePaths() {}

  /** The likely ones first; not the address itself. */
  static List<String> near(URI base) {
    String url = base.toString();
    String host = url.substring(0, url.length() - base.getRawPath().length());
    // People copy the address of the chat endpoint, or leave the version out.
    String bare = url.replaceFirst("/(chat/completions|completions|chat|models|key)$", "");
    var near = new LinkedHashSet<String>();
    Stream.of(bare, bare + "/v1", bare + "/api/v1", host + "/api/v1", host + "/v1")
        .filter(other -> !other.equals(url))
        .forEach(near::add);
    return List.copyOf(near);
  }
}

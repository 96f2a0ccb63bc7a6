package freellmproxy.http;

import freellmproxy.http.RefusedRequest.Fault;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What is wrong with heads that Netty and Vert.x take for good ones. */
final class HeadCheck {
  private static final Set<String> WEB = Set.of("http", "https");

  private HeadCheck() {}

  /**
   * What is wrong, null when all is well. A target in absolute form is replaced by its path and
   * query, which are all that counts here.
   *
   * @param hosts how many {@code Host} lines it has
   */
  static @Nullable Fault check(HttpRequest request, int hosts) {
    if (!hasKnownVersion(request)) {
      // The answer is of the version that stands there.
      request.setProtocolVersion(HttpVersion.HTTP_1_1);
      return Fault.UNKNOWN_VERSION;
    }
    if (request.decoderResult().isFailure()) {
      return null;
    }
    HttpHeaders headers = request.headers();
    if (isOddlyFramed(headers)) {
      return Fault.UNKNOWN_LENGTH;
    }
    if (!isHostGood(request, hosts)) {
      return Fault.BAD_HOST;
    }
    if (!isTargetGood(request)) {
      return Fault.BAD_TARGET;
    }
    obeyClose(headers);
    return isMoreExpected(request) ? Fault.UNKNOWN_EXPECTATION : null;
  }

  /** Vert.x overlooks {@code close} among other options (RFC 9112 section 9.3). */
  private static void obeyClose(HttpHeaders headers) {
    String connection = headers.get(HttpHeaderNames.CONNECTION);
    if (connection != null
        && connection.indexOf(',') >= 0
        && headers.containsValue(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE, true)) {
      headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    }
  }

  /**
   * The version that somebody is answered in who speaks this one: 1.1 for a later 1.x (RFC 9110
   * section 2.5).
   *
   * @throws IllegalArgumentException when it is none
   */
  static String spokenVersion(String version) {
    boolean isVersion =
        version.length() == 8
            && version.regionMatches(true, 0, "HTTP/", 0, 5)
            && version.charAt(6) == '.';
    if (!isVersion) {
      throw new IllegalArgumentException("no version of HTTP");
    }
    char minor = version.charAt(7);
    boolean isLater = version.startsWith("HTTP/1") && minor >= '2' && minor <= '9';
    return isLater ? HttpVersion.HTTP_1_1.text() : version;
  }

  /** Vert.x knows them by identity, and does not take {@code http/1.1} for one. */
  @SuppressWarnings("ReferenceEquality")
  private static boolean hasKnownVersion(HttpRequest request) {
    HttpVersion version = request.protocolVersion();
    return version == HttpVersion.HTTP_1_1 || version == HttpVersion.HTTP_1_0;
  }

  /**
   * Netty takes the body of such a request for the next one. With any transfer coding but chunked
   * nobody can tell where it ends (RFC 9112 section 6.3).
   */
  private static boolean isOddlyFramed(HttpHeaders headers) {
    List<String> codings = headers.getAll(HttpHeaderNames.TRANSFER_ENCODING);
    return !codings.isEmpty()
        && !(codings.size() == 1 && codings.getFirst().strip().equalsIgnoreCase("chunked"));
  }

  /** RFC 9112 section 3.2; HTTP/1.0 did not know the header yet. */
  private static boolean isHostGood(HttpRequest request, int hosts) {
    if (hosts == 0) {
      return request.protocolVersion().equals(HttpVersion.HTTP_1_0);
    }
    return hosts == 1 && Authority.isValid(request.headers().get(HttpHeaderNames.HOST));
  }

  /** RFC 9112 section 3.2. There is no tunnel here, so {@code host:port} is no target. */
  private static boolean isTargetGood(HttpRequest request) {
    String target = request.uri();
    if (target.indexOf('#') >= 0) {
      return false;
    }
    if (target.startsWith("/")) {
      return true;
    }
    if (target.equals("*")) {
      return request.method().equals(HttpMethod.OPTIONS);
    }
    return isAbsolute(request, target);
  }

  private static boolean isAbsolute(HttpRequest request, String target) {
    int scheme = target.indexOf("://");
    if (scheme < 0 || !WEB.contains(target.substring(0, scheme).toLowerCase(Locale.ROOT))) {
      return false;
    }
    int host = scheme + 3;
    int end = host;
    while (end < target.length() && target.charAt(end) != '/' && target.charAt(end) != '?') {
      end++;
    }
    String rest = target.substring(end);
    if (rest.isEmpty()) {
      request.setUri(request.method().equals(HttpMethod.OPTIONS) ? "*" : "/");
    } else {
      request.setUri(rest.startsWith("/") ? rest : "/" + rest);
    }
    return Authority.isValid(target.substring(host, end));
  }

  /** RFC 9110 section 10.1.1; HTTP/1.0 did not know the header yet. */
  private static boolean isMoreExpected(HttpRequest request) {
    return request.headers().contains(HttpHeaderNames.EXPECT)
        && request.protocolVersion().equals(HttpVersion.HTTP_1_1)
        && !request.headers().getAll(HttpHeaderNames.EXPECT).stream()
            .allMatch(HttpHeaderValues.CONTINUE::contentEqualsIgnoreCase);
  }
}

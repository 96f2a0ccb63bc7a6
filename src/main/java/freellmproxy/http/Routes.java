package freellmproxy.http;

import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds the endpoint of a request by path and method (contract section 3). Filled once, then only
 * read; safe on every event loop.
 */
final class Routes {
  private final Map<String, Map<HttpMethod, Endpoint>> exact = new LinkedHashMap<>();
  private final Map<String, Map<HttpMethod, Endpoint>> prefixes = new LinkedHashMap<>();
  private final Cors cors;
  private final RefusalLog log;

  Routes(Cors cors, RefusalLog log) {
    this.cors = cors;
    this.log = log;
  }

  /**
   * Adds an endpoint; one for GET serves HEAD too (RFC 9110 section 9.3.2). A path that ends in
   * {@code *} stands for all that begin with the rest.
   */
  Routes add(HttpMethod method, String path, Endpoint endpoint) {
    boolean isPrefix = path.endsWith("*");
    String key = isPrefix ? path.substring(0, path.length() - 1) : path;
    (isPrefix ? prefixes : exact)
        .computeIfAbsent(key, p -> new LinkedHashMap<>())
        .put(method, endpoint);
    return this;
  }

  /**
   * Hands a request to its endpoint, or answers that there is none. The target {@code *} of an
   * {@code OPTIONS} means the server as a whole (RFC 9110 section 9.3.7).
   */
  void handle(HttpCall call) {
    HttpServerRequest request = call.request();
    cors.decorate(call);
    if (request.method().equals(HttpMethod.OPTIONS) && cors.isPreflight(request)) {
      call.noContent();
      return;
    }
    if (request.uri().equals("*")) {
      call.header(HttpHeaders.ALLOW, "GET, HEAD, POST, OPTIONS").noContent();
      return;
    }
    Map<HttpMethod, Endpoint> methods = find(call.path());
    if (methods == null) {
      refuse(call, UnknownPath.error(call.path()));
      return;
    }
    boolean isHead = request.method().equals(HttpMethod.HEAD);
    Endpoint endpoint = methods.get(isHead ? HttpMethod.GET : request.method());
    if (endpoint == null) {
      String allowed =
          methods.keySet().stream().map(Routes::allow).collect(Collectors.joining(", "));
      refuse(call.header(HttpHeaders.ALLOW, allowed), wrongMethod(request.method(), allowed));
    } else {
      endpoint.handle(call);
    }
  }

  private void refuse(HttpCall call, ApiError error) {
    log.note(call, error);
    call.error(error);
  }

  private static String allow(HttpMethod method) {
    return method.equals(HttpMethod.GET) ? "GET, HEAD" : method.name();
  }

  private @Nullable Map<HttpMethod, Endpoint> find(String path) {
    Map<HttpMethod, Endpoint> methods = exact.get(path);
    if (methods != null) {
      return methods;
    }
    return prefixes.entrySet().stream()
        .filter(prefix -> path.startsWith(prefix.getKey()))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse(null);
  }

  private static ApiError wrongMethod(HttpMethod method, String allowed) {
    return new ApiError(
        405,
        "invalid_request_error",
        "method_not_allowed",
        "This path does not take " + method.name() + "; use " + allowed + ".",
        null,
        Retry.POINTLESS);
  }
}

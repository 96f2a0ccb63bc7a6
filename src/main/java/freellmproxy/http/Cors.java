package freellmproxy.http;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.util.Set;
import java.util.function.Supplier;

/** Cross-origin access for clients that run in a browser (contract section 9, CORS_ORIGINS). */
final class Cors {
  private static final String EXPOSED =
      "x-request-id, x-free-llm-proxy-model, x-free-llm-proxy-attempts, x-free-llm-proxy-trail,"
          + " retry-after, retry-after-ms, x-should-retry";

  private final Supplier<Set<String>> allowed;

  /** Answers to nobody when {@code allowed} is empty, to everybody when it is {@code *}. */
  Cors(Supplier<Set<String>> allowed) {
    this.allowed = allowed;
  }

  /** Adds what a browser needs to let its page read the answer. */
  void decorate(HttpCall call) {
    Set<String> origins = allowed.get();
    String origin = call.request().getHeader(HttpHeaders.ORIGIN);
    if (origins.isEmpty()) {
      return;
    }
    boolean isEverybody = origins.contains("*");
    if (!isEverybody) {
      call.header(HttpHeaders.VARY, "Origin");
    }
    if (origin == null || !(isEverybody || origins.contains(origin))) {
      return;
    }
    call.header(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, isEverybody ? "*" : origin)
        .header(HttpHeaders.ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    if (isPreflight(call.request())) {
      String asked = call.request().getHeader(HttpHeaders.ACCESS_CONTROL_REQUEST_HEADERS);
      call.header(HttpHeaders.ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS")
          .header(
              HttpHeaders.ACCESS_CONTROL_ALLOW_HEADERS,
              asked == null ? "authorization, content-type" : asked)
          .header(HttpHeaders.ACCESS_CONTROL_MAX_AGE, "600");
    }
  }

  /** Whether this is a browser's question whether it may ask. */
  boolean isPreflight(HttpServerRequest request) {
    return !allowed.get().isEmpty()
        && request.headers().contains(HttpHeaders.ORIGIN)
        && request.headers().contains(HttpHeaders.ACCESS_CONTROL_REQUEST_METHOD);
  }
}

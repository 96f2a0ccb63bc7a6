package freellmproxy.http;

import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import freellmproxy.config.Settings;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Whether a client has the proxy's key (contract section 3). */
final class ApiKeyCheck {
  private static final String SCHEME = "Bearer ";

  private final Supplier<Settings.Keys> keys;
  private final RefusalLog log;

  /** Compares with the key of the moment. */
  ApiKeyCheck(Supplier<Settings.Keys> keys, RefusalLog log) {
    this.keys = keys;
    this.log = log;
  }

  /** An endpoint that only clients with the key reach. */
  Endpoint guard(Endpoint endpoint) {
    return call -> {
      ApiError error = check(call.request());
      if (error == null) {
        endpoint.handle(call);
      } else {
        refuse(call, error);
      }
    };
  }

  /** Sends what {@link #check} found. */
  void refuse(HttpCall call, ApiError error) {
    log.note(call, error);
    if (error.status() == 401) {
      call.header("WWW-Authenticate", "Bearer");
    }
    call.error(error);
  }

  /** What is wrong with the key of a request; null when nothing is. */
  @Nullable ApiError check(HttpServerRequest request) {
    String given = request.getHeader("x-api-key");
    if (given == null || given.isBlank()) {
      String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
      if (authorization == null || authorization.isBlank()) {
        return unauthorized(
            "missing_authorization",
            "No key was sent. Send the proxy's key (PROXY_API_KEY) as `Authorization: Bearer KEY`"
                + " or `x-api-key: KEY`.");
      }
      given = bearer(authorization);
    }
    if (given == null || given.isBlank()) {
      return unauthorized(
          "invalid_authorization",
          "The Authorization header must read `Bearer KEY`, with the proxy's key (PROXY_API_KEY).");
    }
    String sent = given.strip();
    return keys.get().proxy().matches(sent)
        ? null
        : wrongKey(keys.get().openRouter().matches(sent));
  }

  private static @Nullable String bearer(String authorization) {
    String header = authorization.strip();
    return header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
        ? header.substring(SCHEME.length()).strip()
        : null;
  }

  private static ApiError unauthorized(String code, String message) {
    return new ApiError(401, "authentication_error", code, message, null, Retry.POINTLESS);
  }

  private static ApiError wrongKey(boolean isThatOfOpenRouter) {
    return new ApiError(
        403,
        "permission_error",
        "invalid_token",
        isThatOfOpenRouter
            ? "This is OPENROUTER_API_KEY, which the proxy keeps to itself. Clients send"
                + " PROXY_API_KEY."
            : "This key is not the proxy's key. Clients send PROXY_API_KEY, not the OpenRouter"
                + " key.",
        null,
        Retry.POINTLESS);
  }
}

package freellmproxy.http;

import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import freellmproxy.time.Time;
import freellmproxy.upstream.AnswerMemory;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.codec.http.TransferEncodingNotAllowedException;
import io.vertx.core.http.HttpServerRequest;
import org.jspecify.annotations.Nullable;

/** Answers to what never becomes a request. */
final class HttpErrors {
  private HttpErrors() {}

  /** Answers a request that is not HTTP as it should be, and closes its connection. */
  static void malformed(HttpServerRequest request, Time time, AnswerMemory memory) {
    new HttpCall(request, time, memory).errorAndClose(describe(request.decoderResult().cause()));
  }

  private static ApiError describe(@Nullable Throwable cause) {
    return switch (cause) {
      case TooLongHttpLineException e ->
          fault(414, "uri_too_long", "The request line is longer than this proxy reads.");
      case TooLongHttpHeaderException e ->
          fault(431, "headers_too_large", "The request headers are larger than this proxy reads.");
      case HeadCheck.UnknownVersion e ->
          fault(505, "unsupported_http_version", "This proxy speaks HTTP/1.1 and HTTP/1.0.");
      case TransferEncodingNotAllowedException e ->
          fault(
              400,
              "bad_request",
              "Nobody can tell where this request ends: the one Transfer-Encoding that is read is"
                  + " `chunked` (RFC 9112).");
      case null, default -> fault(400, "bad_request", "This is not a valid HTTP/1.1 request.");
    };
  }

  private static ApiError fault(int status, String code, String message) {
    return new ApiError(status, "invalid_request_error", code, message, null, Retry.POINTLESS);
  }
}

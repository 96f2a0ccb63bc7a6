package freellmproxy.http;

import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import freellmproxy.http.RefusedRequest.Fault;
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
  static void malformed(
      HttpServerRequest request, Time time, ResponseDate date, AnswerMemory memory) {
    new HttpCall(request, time, date, memory)
        .errorAndClose(describe(request.decoderResult().cause()));
  }

  private static ApiError describe(@Nullable Throwable cause) {
    return switch (cause) {
      case TooLongHttpLineException e -> describe(Fault.LINE_TOO_LONG);
      case TooLongHttpHeaderException e -> describe(Fault.HEADERS_TOO_LARGE);
      case TransferEncodingNotAllowedException e -> describe(Fault.UNKNOWN_LENGTH);
      case RefusedRequest refused -> describe(refused.fault());
      case null, default -> describe(Fault.NOT_HTTP);
    };
  }

  /** What a client is told of a fault. */
  static ApiError describe(Fault fault) {
    return switch (fault) {
      case NOT_HTTP -> malformed("This is not a valid HTTP/1.1 request.");
      case LINE_TOO_LONG ->
          fault(414, "uri_too_long", "The request line is longer than this proxy reads.");
      case HEADERS_TOO_LARGE ->
          fault(
              431,
              "headers_too_large",
              "The headers or trailers are larger than this proxy reads, or more than a hundred.");
      case FOLDED_HEADER ->
          malformed("A header of this request goes on in the next line (RFC 9112 section 5.2).");
      case UNKNOWN_VERSION ->
          fault(505, "unsupported_http_version", "This proxy speaks HTTP/1.1 and HTTP/1.0.");
      case UNKNOWN_LENGTH ->
          malformed(
              "Nobody can tell where this request ends: the one Transfer-Encoding that is read is"
                  + " `chunked` (RFC 9112).");
      case BAD_CHUNK -> malformed("The request body is not in chunks as its head says (RFC 9112).");
      case BAD_HOST ->
          malformed("A request needs one Host header that names one host (RFC 9112 section 3.2).");
      case BAD_TARGET -> malformed("The target of this request is none (RFC 9112 section 3.2).");
      case UNKNOWN_EXPECTATION ->
          fault(417, "expectation_failed", "This proxy meets no expectation but `100-continue`.");
      case HEAD_TOO_SLOW ->
          new ApiError(
              408,
              "invalid_request_error",
              "request_timeout",
              "The head of this request did not come within %d s."
                  .formatted(BodyReader.PATIENCE.toSeconds()),
              null,
              Retry.UNSAID);
      case NO_ROOM ->
          ApiError.overloaded(
              "The unfinished heads of other requests fill the memory for them. Ask again in a"
                  + " moment.");
    };
  }

  private static ApiError malformed(String message) {
    return fault(400, "bad_request", message);
  }

  private static ApiError fault(int status, String code, String message) {
    return new ApiError(status, "invalid_request_error", code, message, null, Retry.POINTLESS);
  }
}

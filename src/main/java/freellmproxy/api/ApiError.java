package freellmproxy.api;

import freellmproxy.json.JsonBytes;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An error of our own (contract section 3): what a client is told, why, and what to do.
 *
 * @param status HTTP status
 * @param param the request field at fault, null when none is
 * @param retry what a client should make of it
 */
public record ApiError(
    int status, String type, String code, String message, @Nullable String param, Retry retry) {

  /** Whether asking again can help ({@code docs/clients.md}, wire rule 5). */
  public sealed interface Retry {
    Retry UNSAID = new Unsaid();
    Retry POINTLESS = new Pointless();

    /** What a client sits out; during a longer wait its user sees nothing for minutes. */
    Duration LONGEST_WAIT = Duration.ofMinutes(1);

    /**
     * Helps after a while: {@code Retry-After}, with {@code retry-after-ms} for a short one and
     * {@code x-should-retry: false} for a long one.
     */
    record After(Duration delay) implements Retry {
      /** Whether a client had better say so at once. */
      public boolean isTooLong() {
        return delay.compareTo(LONGEST_WAIT) > 0;
      }

      /**
       * Whole seconds, rounded up, at least 1, as clients read {@code Retry-After}. Never 60, since
       * many of OpenAI's SDKs obey only what is shorter, and would ask again after half a second.
       */
      public long seconds() {
        long seconds = Math.max(1, delay.plusNanos(999_999_999).toSeconds());
        return seconds == 60 ? 59 : seconds;
      }

      /** Milliseconds, rounded up, at least 1 and never 60,000 for the same reason. */
      public long millis() {
        long millis = Math.max(1, delay.plusNanos(999_999).toMillis());
        return millis == 60_000 ? 59_999 : millis;
      }
    }

    /** Never helps: {@code x-should-retry: false}. */
    record Pointless() implements Retry {}

    /** Nothing is known. */
    record Unsaid() implements Retry {}
  }

  /** A fault of the request; asking again with the same request is pointless. */
  public static ApiError badRequest(String code, String message, @Nullable String param) {
    return new ApiError(400, "invalid_request_error", code, message, param, Retry.POINTLESS);
  }

  /** A bug of ours. */
  public static ApiError internal() {
    return new ApiError(
        500,
        "internal_error",
        "internal_error",
        "The proxy made a mistake; its log says which. Other requests are not affected.",
        null,
        Retry.UNSAID);
  }

  /** The proxy has no room for a request of which nothing else is wrong. */
  public static ApiError overloaded(String message) {
    return new ApiError(
        503,
        "service_unavailable",
        "proxy_overloaded",
        message,
        null,
        new Retry.After(Duration.ofSeconds(1)));
  }

  /** {@code {"error":{"message","type","code","param"}}} in UTF-8. */
  public byte[] json() {
    return JsonBytes.object(json -> {
      json.writeObjectFieldStart("error");
      json.writeStringField("message", message);
      json.writeStringField("type", type);
      json.writeStringField("code", code);
      json.writeStringField("param", param);
      json.writeEndObject();
    });
  }
}

package freellmproxy.upstream;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How long the upstream wants to be left alone (contract section 7). What it says as a time of day
 * becomes a duration here, once, so that it stays what it is when our clock is set. Pure. Garbage,
 * times that are not in the future and waits of more than a month count as absent, so that the next
 * place is looked at.
 */
final class RetryHint {
  /** How deep in a body a field is looked for; hosts nest theirs in lists of details. */
  private static final int DEEPEST = 6;

  /** Fields of hosts whose value is a wait or a moment: Google, Mistral, LLM7 and others. */
  private static final List<String> FIELDS =
      List.of("retrydelay", "quotaresetdelay", "retry_after", "retryafter", "retry_after_seconds");

  private static final List<String> FIELDS_IN_MILLIS = List.of("retry_after_ms", "retryafterms");

  /** What Groq, OpenAI and Cerebras count, each with headers of its own. */
  private static final List<String> WINDOWS =
      List.of("requests", "tokens", "requests-day", "tokens-minute", "requests-minute");

  private RetryHint() {}

  /**
   * The first usable hint in the contract's order.
   *
   * @param now by the wall clock, when the answer came
   */
  static Optional<Duration> from(ReplyHeaders headers, ErrorBody error, Instant now) {
    var waits = new WaitText(now);
    return Stream.<Optional<Duration>>of(
            waits.value(error.availabilityRetryAfter().asText()),
            waits.millis(headers.first("Retry-After-Ms")),
            waits.value(headers.first("Retry-After")),
            waits.value(error.retryAfterSeconds().asText()),
            error.repeatedHeader("Retry-After-Ms").flatMap(waits::millis),
            error.repeatedHeader("Retry-After").flatMap(waits::value),
            waits.value(headers.first("X-RateLimit-Reset")),
            error.repeatedHeader("X-RateLimit-Reset").flatMap(waits::value),
            inBody(error, waits),
            emptyWindow(headers, waits))
        .flatMap(Optional::stream)
        .findFirst();
  }

  /** The later one: Google's field is its sentence without the fraction of a second. */
  private static Optional<Duration> inBody(ErrorBody error, WaitText waits) {
    return Stream.of(
            field(error.error(), DEEPEST, waits),
            field(error.host().error(), DEEPEST, waits),
            waits.sentence(error.text()))
        .flatMap(Optional::stream)
        .max(Duration::compareTo);
  }

  private static Optional<Duration> field(JsonNode node, int depth, WaitText waits) {
    if (depth == 0) {
      return Optional.empty();
    }
    for (Map.Entry<String, JsonNode> each : node.properties()) {
      String name = each.getKey().toLowerCase(Locale.ROOT);
      Optional<Duration> found =
          FIELDS.contains(name)
              ? waits.value(each.getValue().asText())
              : FIELDS_IN_MILLIS.contains(name)
                  ? waits.millis(each.getValue().asText())
                  : Optional.empty();
      if (found.isPresent()) {
        return found;
      }
    }
    for (JsonNode child : node) {
      Optional<Duration> found = field(child, depth - 1, waits);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  /** The reset of a window is a hint only where that window is the one with nothing left. */
  private static Optional<Duration> emptyWindow(ReplyHeaders headers, WaitText waits) {
    return WINDOWS.stream()
        .filter(window -> "0".equals(headers.first("X-RateLimit-Remaining-" + window)))
        .flatMap(window -> waits.value(headers.first("X-RateLimit-Reset-" + window)).stream())
        .max(Duration::compareTo);
  }
}

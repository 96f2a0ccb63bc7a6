package freellmproxy.upstream;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How long the upstream wants to be left alone (contract section 7). What it says as a time of day
 * becomes a duration here, once, so that it stays what it is when our clock is set. Pure. Garbage
 * and times that are not in the future count as absent, so that the next place is looked at.
 */
final class RetryHint {
  private static final BigDecimal EPOCH_MILLIS_FROM = new BigDecimal("1e11");
  private static final BigDecimal EPOCH_SECONDS_FROM = new BigDecimal("1e9");

  /** Beyond every cap; keeps the arithmetic from overflowing. */
  private static final BigDecimal LONGEST_SECONDS =
      BigDecimal.valueOf(Duration.ofDays(365).toSeconds());

  /** The three forms that RFC 9110 section 5.6.7 obliges a recipient to read. */
  private static final List<DateTimeFormatter> HTTP_DATES =
      List.of(
          DateTimeFormatter.RFC_1123_DATE_TIME,
          DateTimeFormatter.ofPattern("EEEE, dd-MMM-yy HH:mm:ss zzz", Locale.US),
          DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss yyyy", Locale.US)
              .withZone(ZoneOffset.UTC));

  private RetryHint() {}

  /**
   * The first usable hint in the contract's order.
   *
   * @param now by the wall clock, when the answer came
   */
  static Optional<Duration> from(ReplyHeaders headers, ErrorBody error, Instant now) {
    return Stream.<Optional<Duration>>of(
            seconds(error.availabilityRetryAfter().asText()),
            retryAfter(headers.first("Retry-After"), now),
            seconds(error.retryAfterSeconds().asText()),
            retryAfter(error.repeatedHeader("Retry-After").orElse(null), now),
            reset(headers.first("X-RateLimit-Reset"), now),
            reset(error.repeatedHeader("X-RateLimit-Reset").orElse(null), now))
        .flatMap(Optional::stream)
        .findFirst();
  }

  private static Optional<Duration> retryAfter(@Nullable String text, Instant now) {
    Optional<Duration> seconds = seconds(text);
    return seconds.isPresent() ? seconds : date(text, now);
  }

  private static Optional<Duration> seconds(@Nullable String text) {
    return number(text).flatMap(seconds -> in(seconds));
  }

  private static Optional<Duration> reset(@Nullable String text, Instant now) {
    return number(text)
        .flatMap(value -> {
          if (value.compareTo(EPOCH_MILLIS_FROM) > 0) {
            return in(value.movePointLeft(3).subtract(epochSeconds(now)));
          }
          return value.compareTo(EPOCH_SECONDS_FROM) > 0
              ? in(value.subtract(epochSeconds(now)))
              : in(value);
        });
  }

  private static BigDecimal epochSeconds(Instant now) {
    return BigDecimal.valueOf(now.toEpochMilli()).movePointLeft(3);
  }

  private static Optional<Duration> in(BigDecimal seconds) {
    return seconds.signum() > 0
        ? Optional.of(Duration.ofMillis(seconds.min(LONGEST_SECONDS).movePointRight(3).longValue()))
        : Optional.empty();
  }

  private static Optional<BigDecimal> number(@Nullable String text) {
    // The length guard keeps a hostile exponent from costing time.
    if (text == null || text.isBlank() || text.length() > 32) {
      return Optional.empty();
    }
    try {
      var number = new BigDecimal(text.strip());
      return Math.abs((long) number.scale()) > 32 ? Optional.empty() : Optional.of(number);
    } catch (NumberFormatException garbage) {
      return Optional.empty();
    }
  }

  private static Optional<Duration> date(@Nullable String text, Instant now) {
    if (text == null) {
      return Optional.empty();
    }
    return HTTP_DATES.stream()
        .flatMap(format -> parse(text.strip(), format).stream())
        .map(moment -> Duration.between(now, moment))
        .filter(Duration::isPositive)
        .findFirst();
  }

  private static Optional<Instant> parse(String text, DateTimeFormatter format) {
    try {
      return Optional.of(ZonedDateTime.parse(text, format).toInstant());
    } catch (DateTimeException otherForm) {
      return Optional.empty();
    }
  }
}

package freellmproxy.upstream;

import io.netty.handler.codec.DateFormatter;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads how long to wait, or until when, in the forms in which upstreams write it: numbers, lengths
 * such as {@code 6m0s}, dates, and sentences with one of these in them. Pure.
 *
 * @param now waits begin here
 */
record WaitText(Instant now) {
  private static final BigDecimal EPOCH_MILLIS_FROM = new BigDecimal("1e11");
  private static final BigDecimal EPOCH_SECONDS_FROM = new BigDecimal("1e9");

  /** The longest quota is a month's; what is longer is in another unit, or a mistake. */
  private static final Duration LONGEST = Duration.ofDays(31);

  /** Longer texts are no dates, and of longer numbers a hostile exponent costs time. */
  private static final int LONGEST_VALUE = 40;

  /** Where a sentence says it: further on stands what others have said. */
  private static final int LONGEST_SENTENCES = 4096;

  private static final String NUMBER = "(\\d{1,12}(?:\\.\\d{1,12})?)";

  /** Each part with its unit, the largest first; {@code m} is not the beginning of {@code ms}. */
  private static final String LENGTH =
      "(?:"
          + NUMBER
          + " ?d(?:ays?)?(?![a-z])[ ,]*(?:and )?)?"
          + "(?:"
          + NUMBER
          + " ?h(?:ours?|rs?)?(?![a-z])[ ,]*(?:and )?)?"
          + "(?:"
          + NUMBER
          + " ?m(?:in(?:ute)?s?)?(?![a-z])[ ,]*(?:and )?)?"
          + "(?:"
          + NUMBER
          + " ?s(?:ec(?:ond)?s?)?(?![a-z])[ ,]*(?:and )?)?"
          + "(?:"
          + NUMBER
          + " ?(?:ms|milliseconds?)(?![a-z]))?";

  private static final Pattern WHOLE_LENGTH = Pattern.compile(LENGTH);

  /**
   * "Please try again in 9m38.016s", "retry after 40 seconds", "Please wait 52220 seconds", "try
   * again 50680 seconds later", "resets in 2h13m". A number without a unit is none, nor is one
   * without these words: "the model is 30s slower than usual".
   */
  private static final Pattern SENTENCE =
      Pattern.compile(
          "\\b(?:try again|retry(?:ing)?|wait|resets?|available(?: again)?|come back)"
              + "(?: your request)?(?: (?:in|after|for|within|at least))?"
              + "(?: (?:about|approximately|another))?:? ?~?(?=\\d)"
              + LENGTH);

  /** "reset at 2026-12-01T03:00:00Z", "available again at 03:00 UTC". */
  private static final Pattern SENTENCE_WITH_TIME =
      Pattern.compile(
          "\\b(?:try again|retry|wait|resets?|available|back)\\b[^.\\d\\n]{0,24}?\\b(?:at|after|on"
              + "|until|time)\\b[^.\\d\\n]{0,12}?((?:\\d{4}-\\d\\d-\\d\\d[t ])?\\d\\d:\\d\\d"
              + "(?::\\d\\d(?:\\.\\d{1,9})?)?) ?\\(?(z|utc|gmt|[+-]\\d\\d:\\d\\d)\\b");

  private static final List<Duration> UNITS =
      List.of(
          Duration.ofDays(1),
          Duration.ofHours(1),
          Duration.ofMinutes(1),
          Duration.ofSeconds(1),
          Duration.ofMillis(1));

  /** A number of seconds, a moment since 1970 in seconds or milliseconds, a length, or a date. */
  Optional<Duration> value(@Nullable String text) {
    if (text == null || text.isBlank() || text.length() > LONGEST_VALUE) {
      return Optional.empty();
    }
    String value = text.strip();
    return number(value)
        .map(this::ofNumber)
        .orElseGet(() -> length(value.toLowerCase(Locale.ROOT)).or(() -> date(value)));
  }

  /** A number of milliseconds. */
  Optional<Duration> millis(@Nullable String text) {
    return text == null || text.length() > LONGEST_VALUE
        ? Optional.empty()
        : number(text.strip()).flatMap(millis -> in(millis.movePointLeft(3)));
  }

  /** The first wait or time that a text in lower case tells of. */
  Optional<Duration> sentence(String text) {
    String said = text.substring(0, Math.min(text.length(), LONGEST_SENTENCES));
    Matcher waits = SENTENCE.matcher(said);
    while (waits.find()) {
      Optional<Duration> wait = in(seconds(waits));
      if (wait.isPresent()) {
        return wait;
      }
    }
    Matcher times = SENTENCE_WITH_TIME.matcher(said);
    return times.find() ? time(times.group(1), times.group(2)) : Optional.empty();
  }

  private Optional<Duration> ofNumber(BigDecimal number) {
    if (number.compareTo(EPOCH_MILLIS_FROM) > 0) {
      return in(number.movePointLeft(3).subtract(sinceEpoch()));
    }
    return in(number.compareTo(EPOCH_SECONDS_FROM) > 0 ? number.subtract(sinceEpoch()) : number);
  }

  private BigDecimal sinceEpoch() {
    return BigDecimal.valueOf(now.toEpochMilli()).movePointLeft(3);
  }

  private Optional<Duration> in(BigDecimal seconds) {
    return seconds.signum() > 0 && seconds.compareTo(BigDecimal.valueOf(LONGEST.toSeconds())) <= 0
        ? Optional.of(Duration.ofMillis(seconds.movePointRight(3).longValue()))
        : Optional.empty();
  }

  private static Optional<BigDecimal> number(String text) {
    try {
      var number = new BigDecimal(text);
      return Math.abs((long) number.scale()) > LONGEST_VALUE
          ? Optional.empty()
          : Optional.of(number);
    } catch (NumberFormatException garbage) {
      return Optional.empty();
    }
  }

  private Optional<Duration> length(String text) {
    Matcher matcher = WHOLE_LENGTH.matcher(text);
    return matcher.matches() ? in(seconds(matcher)) : Optional.empty();
  }

  private static BigDecimal seconds(Matcher length) {
    BigDecimal seconds = BigDecimal.ZERO;
    for (int i = 0; i < UNITS.size(); i++) {
      String count = length.group(i + 1);
      if (count != null) {
        BigDecimal unit = BigDecimal.valueOf(UNITS.get(i).toMillis()).movePointLeft(3);
        seconds = seconds.add(new BigDecimal(count).multiply(unit));
      }
    }
    return seconds;
  }

  private Optional<Duration> date(String text) {
    return iso8601(text).or(() -> httpDate(text)).flatMap(this::until);
  }

  private static Optional<Instant> iso8601(String text) {
    try {
      return Optional.of(OffsetDateTime.parse(text).toInstant());
    } catch (DateTimeException otherForm) {
      return Optional.empty();
    }
  }

  /** In any of the three forms that RFC 9110 section 5.6.7 obliges a recipient to read. */
  private static Optional<Instant> httpDate(String text) {
    return Optional.ofNullable(DateFormatter.parseHttpDate(text)).map(Date::toInstant);
  }

  private Optional<Duration> until(Instant moment) {
    return in(BigDecimal.valueOf(Duration.between(now, moment).toMillis()).movePointLeft(3));
  }

  /** A time without a date is the next such; one without a zone has not been looked for. */
  private Optional<Duration> time(String time, String zone) {
    String offset = zone.matches("z|utc|gmt") ? "Z" : zone;
    try {
      if (time.indexOf('-') > 0) {
        String moment = time.replace(' ', 'T').toUpperCase(Locale.ROOT) + offset;
        return until(OffsetDateTime.parse(moment).toInstant());
      }
      OffsetDateTime today = now.atOffset(ZoneOffset.of(offset)).with(LocalTime.parse(time));
      return until((today.toInstant().isAfter(now) ? today : today.plusDays(1)).toInstant());
    } catch (DateTimeException noTime) {
      return Optional.empty();
    }
  }
}

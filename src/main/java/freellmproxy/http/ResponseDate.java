package freellmproxy.http;

import freellmproxy.time.Time;
import io.netty.util.AsciiString;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoField;
import java.util.List;

/**
 * The {@code Date} of an answer (RFC 9110 section 6.6.1), written anew once a second. Not with the
 * JDK's formatters: they bring a calendar and the names of all languages. For one event loop.
 */
final class ResponseDate {
  private static final long SECOND = 1_000_000_000L;
  private static final List<String> DAYS = List.of("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun");
  private static final List<String> MONTHS =
      List.of("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec");

  private final Time time;
  private AsciiString text;
  private long nextSecondNanos;

  ResponseDate(Time time) {
    this.time = time;
    this.text = textFrom(time.nanos());
  }

  /**
   * The date.
   *
   * @param nanos {@link Time#nanos()} as it is now
   */
  CharSequence at(long nanos) {
    if (nanos - nextSecondNanos >= 0) {
      text = textFrom(nanos);
    }
    return text;
  }

  private AsciiString textFrom(long nanos) {
    LocalDateTime now = LocalDateTime.ofInstant(time.instant(), ZoneOffset.UTC);
    nextSecondNanos = nanos + SECOND - now.get(ChronoField.NANO_OF_SECOND);
    return AsciiString.cached(write(now));
  }

  private static String write(LocalDateTime now) {
    return DAYS.get(now.getDayOfWeek().getValue() - 1)
        + ", "
        + twoDigits(now.getDayOfMonth())
        + " "
        + MONTHS.get(now.getMonthValue() - 1)
        + " "
        + now.getYear()
        + " "
        + twoDigits(now.getHour())
        + ":"
        + twoDigits(now.getMinute())
        + ":"
        + twoDigits(now.getSecond())
        + " GMT";
  }

  private static String twoDigits(int number) {
    return number < 10 ? "0" + number : Integer.toString(number);
  }
}

package freellmproxy.observe;

import ch.qos.logback.classic.spi.ILoggingEvent;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;

/**
 * The line of a chat request as people read it: {@code 200 ling-2.6-1t:free 0.21 s (ling-2.6-flash:
 * 429 rate_limited, until 21:00:44)}. Made of the same fields as the JSON line.
 */
final class RequestLine {
  static final String EVENT = "request_done";

  private final Map<String, Object> fields = new HashMap<>();
  private final DateTimeFormatter clock;

  private RequestLine(ILoggingEvent event, ZoneId zone) {
    for (KeyValuePair pair : event.getKeyValuePairs()) {
      if (pair.value != null) {
        fields.put(pair.key, pair.value);
      }
    }
    this.clock = DateTimeFormatter.ofPattern("HH:mm:ss", Locale.ROOT).withZone(zone);
  }

  /** With the time and the level before it, as all lines for people; on one line. */
  static String of(ILoggingEvent event, ZoneId zone) {
    var line = new RequestLine(event, zone);
    String text =
        "%s %-5s %s"
            .formatted(line.clock.format(event.getInstant()), event.getLevel(), line.text())
            .replaceAll("[\\p{Cc}\\u2028\\u2029]", "?");
    return text.substring(0, Math.min(text.length(), LineFormat.LONGEST_TEXT)) + "\n";
  }

  private String text() {
    var line = new StringBuilder();
    line.append(fields.get("status"));
    if (fields.get("chosen_model") instanceof String model) {
      line.append(' ').append(withoutVendor(model));
    }
    if (fields.get("duration_ms") instanceof Number millis) {
      line.append(String.format(Locale.ROOT, " %.2f s", millis.doubleValue() / 1000));
    }
    append(line, Boolean.TRUE.equals(fields.get("mid_stream_error")), ", broke off");
    append(line, Boolean.TRUE.equals(fields.get("client_gone")), ", the client went away");
    if (fields.get("key_tail") != null) {
      line.append(", OPENROUTER_API_KEY ").append(fields.get("key_tail")).append(" is refused");
    }
    String failed = failed();
    append(line, !failed.isEmpty(), " (" + failed + ")");
    return line.toString();
  }

  private static void append(StringBuilder line, boolean isSo, String words) {
    line.append(isSo ? words : "");
  }

  /** Those that cost a call and brought nothing. */
  private String failed() {
    return fields.get("attempts") instanceof List<?> attempts
        ? attempts.stream()
            .filter(Map.class::isInstance)
            .map(Map.class::cast)
            .filter(attempt -> !"success".equals(attempt.get("outcome")))
            .map(this::failed)
            .collect(Collectors.joining("; "))
        : "";
  }

  private String failed(Map<?, ?> attempt) {
    Object reason = attempt.get("reason");
    String line =
        withoutVendor(String.valueOf(attempt.get("model")))
            + ": "
            + (reason == null ? attempt.get("outcome") : reason);
    Object cause =
        attempt.get("cause") == null ? attempt.get("upstream_message") : attempt.get("cause");
    return line + (cause == null ? "" : ", " + cause) + until(attempt.get("cooldown_until"));
  }

  private String until(@Nullable Object moment) {
    return moment == null ? "" : ", until " + clock.format(Instant.parse(moment.toString()));
  }

  private static String withoutVendor(String id) {
    return id.substring(id.indexOf('/') + 1);
  }
}

package freellmproxy.observe;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.slf4j.event.KeyValuePair;

/** What a person at a terminal reads of a chat request. */
final class RequestLineTest {

  private static String line(KeyValuePair... fields) {
    var event = new LoggingEvent();
    event.setLevel(Level.INFO);
    event.setInstant(Instant.parse("2026-11-24T20:59:44Z"));
    event.setMessage("request_done");
    event.setKeyValuePairs(List.of(fields));
    return RequestLine.of(event, ZoneOffset.ofHours(1));
  }

  @Test
  void saysWhoAnsweredAndWhoDidNot() {
    Map<String, Object> failed =
        Map.of(
            "model", "inclusionai/ling-2.6-flash:free",
            "outcome", "rate_limited",
            "reason", "429 rate_limited",
            "cooldown_until", "2026-11-24T21:00:44Z");
    Map<String, Object> good =
        Map.of("model", "inclusionai/ling-2.6-1t:free", "outcome", "success");
    assertThat(
            line(
                new KeyValuePair("status", 200),
                new KeyValuePair("chosen_model", "inclusionai/ling-2.6-1t:free"),
                new KeyValuePair("duration_ms", 213.4),
                new KeyValuePair("attempts", List.of(failed, good))))
        .isEqualTo(
            "21:59:44 INFO  200 ling-2.6-1t:free 0.21 s"
                + " (ling-2.6-flash:free: 429 rate_limited, until 22:00:44)\n");
  }

  @Test
  void staysOnOneLineWhateverTheFieldsAre() {
    Map<String, Object> failed =
        Map.of("model", "a/b\n\u001b[31m", "outcome", "upstream_error", "upstream_message", "x\ry");
    assertThat(
            line(
                new KeyValuePair("status", 503),
                new KeyValuePair("chosen_model", null),
                new KeyValuePair("attempts", List.of(failed)),
                new KeyValuePair("mid_stream_error", true),
                new KeyValuePair("client_gone", false)))
        .isEqualTo("21:59:44 INFO  503, broke off (b??[31m: upstream_error, x?y)\n");
  }
}

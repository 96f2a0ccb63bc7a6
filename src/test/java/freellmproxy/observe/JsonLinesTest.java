package freellmproxy.observe;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.event.KeyValuePair;

/** Contract section 10: one JSON object a line. */
final class JsonLinesTest {
  private final LoggerContext context = new LoggerContext();

  @Test
  void beginsWithTimeLevelLoggerAndEvent() throws IOException {
    LoggingEvent event = event("started", null);
    event.setInstant(Instant.parse("2026-11-24T22:50:00.123Z"));
    assertThat(text(event))
        .isEqualTo(
            "{\"ts\":\"2026-11-24T22:50:00.123Z\",\"level\":\"WARN\",\"logger\":\"a.B\","
                + "\"event\":\"started\"}\n");
  }

  @Test
  void writesMillisecondsEvenWhereThereAreNone() throws IOException {
    LoggingEvent event = event("started", null);
    event.setInstant(Instant.parse("2026-11-24T22:50:00Z"));
    assertThat(text(event)).startsWith("{\"ts\":\"2026-11-24T22:50:00.000Z\",");
  }

  /** The clock may be set back between two lines. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "2026-11-24T22:50:00.999Z",
        "2026-11-24T22:50:01.007Z",
        "2026-11-24T22:49:59.120Z"
      })
  void writesTheTimeOfEachLine(String time) throws IOException {
    var lines = new JsonLines();
    LoggingEvent first = event("started", null);
    first.setInstant(Instant.parse("2026-11-24T22:50:00.001Z"));
    text(lines, first);
    LoggingEvent second = event("started", null);
    second.setInstant(Instant.parse(time));
    assertThat(text(lines, second)).startsWith("{\"ts\":\"" + time + "\",");
  }

  @Test
  void leavesAClientNoLineAndNoTerminalCodeInText() {
    LoggingEvent event = event("model_ignored", null);
    add(event, "model", "evil\n07:00:00 ERROR forged\u001b[31m\u0007\u009b31m\r\u2028x");
    String line = text(Logging.textLines(context), event);
    assertThat(line.strip().chars()).noneMatch(c -> Character.isISOControl(c) || c == 0x2028);
    assertThat(line).contains("evil?07:00:00 ERROR forged?[31m");
  }

  @Test
  void leavesNoTerminalCodeInATraceInText() {
    LoggingEvent event = event("failed", new IllegalStateException("why\u001b[2J"));
    String text = text(Logging.textLines(context), event);
    assertThat(text).contains("java.lang.IllegalStateException: why?[2J", "\n\tat freellmproxy.");
    assertThat(text).containsOnlyOnce("IllegalStateException").doesNotContain("\u001b");
  }

  @Test
  void keepsWhatFieldsAre() throws IOException {
    LoggingEvent event = event("x", null);
    add(event, "text", "Zeile 1\nZeile \"2\" ж");
    add(event, "whole", 7);
    add(event, "large", 1L << 40);
    add(event, "fraction", 1.25);
    add(event, "truth", false);
    add(event, "nothing", null);
    add(event, "list", Arrays.asList(Map.of("n", 1), null, "s"));
    add(event, "other", URI.create("http://h/"));
    JsonNode line = new ObjectMapper().readTree(text(event));
    assertThat(text(event).trim()).doesNotContain("\n");
    assertThat(line.path("text").textValue()).isEqualTo("Zeile 1\nZeile \"2\" ж");
    assertThat(line.path("whole").intValue()).isEqualTo(7);
    assertThat(line.path("large").longValue()).isEqualTo(1L << 40);
    assertThat(line.path("fraction").doubleValue()).isEqualTo(1.25);
    assertThat(line.path("truth").isBoolean()).isTrue();
    assertThat(line.path("nothing").isNull()).isTrue();
    assertThat(line.path("list").toString()).isEqualTo("[{\"n\":1},null,\"s\"]");
    assertThat(line.path("other").textValue()).isEqualTo("http://h/");
  }

  @Test
  void tellsWhereAnExceptionComesFrom() throws IOException {
    String line = text(event("failed", new IllegalStateException("why")));
    assertThat(new ObjectMapper().readTree(line).path("stack_trace").textValue())
        .contains("IllegalStateException: why", "JsonLinesTest");
    assertThat(line.lines()).hasSize(1);
  }

  @Test
  void cutsALongValueBetweenCharacters() throws IOException {
    for (String before : List.of("", "x")) {
      LoggingEvent event = event(before + "\ud83d\ude00".repeat(1 << 20), null);
      add(event, "field", before + "\ud83d\ude00".repeat(1 << 20));
      String line = text(event);
      assertThat(line).hasSizeLessThan(13 * LineFormat.LONGEST_TEXT);
      assertThat(new ObjectMapper().readTree(line).path("field").textValue())
          .startsWith(before + "\ud83d\ude00")
          .endsWith("\ud83d\ude00... (" + (before.length() + (2 << 20)) + " characters)");
      String forPeople = text(Logging.textLines(context), event);
      assertThat(forPeople).hasSizeLessThan(3 * LineFormat.LONGEST_TEXT).endsWith("\n");
    }
  }

  @Test
  void goesOnAfterAnEventThatCannotBeWritten() {
    var lines = new JsonLines();
    LoggingEvent bad = event("bad", null);
    add(
        bad,
        "field",
        new Object() {
          @Override
          public String toString() {
            throw new IllegalStateException("no text");
          }
        });
    LoggingEvent good = event("good", null);
    String expected = text(good);
    assertThatIllegalStateException().isThrownBy(() -> text(lines, bad));
    assertThat(text(lines, good)).isEqualTo(expected);
    assertThat(text(lines, good)).isEqualTo(expected);
  }

  private static void add(LoggingEvent event, String key, @Nullable Object value) {
    event.addKeyValuePair(new KeyValuePair(key, value));
  }

  private LoggingEvent event(String message, @Nullable Throwable thrown) {
    return new LoggingEvent(
        "caller", context.getLogger("a.B"), Level.WARN, message, thrown, List.of().toArray());
  }

  private static String text(LoggingEvent event) {
    return text(new JsonLines(), event);
  }

  private static String text(LineFormat format, LoggingEvent event) {
    var lines = new ByteArrayOutputStream();
    format.write(event, lines);
    return lines.toString(UTF_8);
  }
}

package freellmproxy.observe;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;

/**
 * A log event as one JSON object on a line: {@code ts, level, logger, event}, then its fields
 * (contract section 10). Numbers, booleans, lists and maps stay what they are; anything else is
 * written as its text. For one thread at a time.
 */
final class JsonLines implements LineFormat {
  private static final JsonFactory JSON = new JsonFactory().setRootValueSeparator("");

  private static final int MILLIS_IN_SECOND = 1_000;

  /** Where the fraction of a second begins in a timestamp. */
  private static final int DOT = "1970-01-01T00:00:00".length();

  private final ByteArrayOutputStream line = new ByteArrayOutputStream(512);
  private JsonGenerator json = generator();

  /** The second of the last line, and when that line was written. */
  private long second = Long.MIN_VALUE;

  private final char[] timestamp = "1970-01-01T00:00:00.000Z".toCharArray();

  @Override
  public void write(ILoggingEvent event, ByteArrayOutputStream lines) {
    boolean isWhole = false;
    try {
      write(event);
      isWhole = true;
      line.writeTo(lines);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory cannot fail", e);
    } finally {
      if (!isWhole) {
        json = generator();
      }
      line.reset();
    }
  }

  private JsonGenerator generator() {
    try {
      return JSON.createGenerator(line);
    } catch (IOException e) {
      throw new UncheckedIOException("nothing is written yet", e);
    }
  }

  private void write(ILoggingEvent event) throws IOException {
    json.writeStartObject();
    setTimestamp(event.getTimeStamp());
    json.writeFieldName("ts");
    json.writeString(timestamp, 0, timestamp.length);
    json.writeStringField("level", event.getLevel().toString());
    json.writeStringField("logger", event.getLoggerName());
    json.writeStringField("event", cut(event.getFormattedMessage(), LONGEST_TEXT));
    if (event.getKeyValuePairs() != null) {
      for (KeyValuePair field : event.getKeyValuePairs()) {
        json.writeFieldName(field.key);
        write(field.value);
      }
    }
    if (event.getThrowableProxy() != null) {
      String trace = ThrowableProxyUtil.asString(event.getThrowableProxy());
      json.writeStringField("stack_trace", cut(trace, LONGEST_TRACE));
    }
    json.writeEndObject();
    json.writeRaw('\n');
    json.flush();
  }

  private static String cut(String text, int longest) {
    if (text.length() <= longest) {
      return text;
    }
    // Half a character cannot be written.
    int end = Character.isHighSurrogate(text.charAt(longest - 1)) ? longest - 1 : longest;
    return text.substring(0, end) + "... (" + text.length() + " characters)";
  }

  /**
   * Always with three digits for milliseconds, so that lines sort as they read. Of a busy second
   * only the first line has to make a date.
   */
  private void setTimestamp(long millis) {
    long now = Math.floorDiv(millis, MILLIS_IN_SECOND);
    if (now != second) {
      second = now;
      Instant.ofEpochSecond(now).toString().getChars(0, DOT, timestamp, 0);
    }
    int fraction = Math.floorMod(millis, MILLIS_IN_SECOND);
    timestamp[DOT + 1] = (char) ('0' + fraction / 100);
    timestamp[DOT + 2] = (char) ('0' + fraction / 10 % 10);
    timestamp[DOT + 3] = (char) ('0' + fraction % 10);
  }

  private void write(@Nullable Object value) throws IOException {
    switch (value) {
      case null -> json.writeNull();
      case Boolean truth -> json.writeBoolean(truth);
      case Integer number -> json.writeNumber(number);
      case Long number -> json.writeNumber(number);
      case Double number -> json.writeNumber(number);
      case List<?> values -> {
        json.writeStartArray();
        for (Object each : values) {
          write(each);
        }
        json.writeEndArray();
      }
      case Map<?, ?> fields -> {
        json.writeStartObject();
        for (Map.Entry<?, ?> field : fields.entrySet()) {
          json.writeFieldName(field.getKey().toString());
          write(field.getValue());
        }
        json.writeEndObject();
      }
      default -> json.writeString(cut(value.toString(), LONGEST_TEXT));
    }
  }
}

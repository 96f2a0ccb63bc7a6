package freellmproxy.observe;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.Encoder;
import java.io.ByteArrayOutputStream;

/** How a log event is written. For one thread at a time. */
interface LineFormat {
  /** A longer message, value or line for people is cut to so many characters. */
  int LONGEST_TEXT = 4 << 10;

  /** The same for a stack trace. */
  int LONGEST_TRACE = 16 << 10;

  /** Adds the line of an event to those before; nothing of it when it throws. */
  void write(ILoggingEvent event, ByteArrayOutputStream lines);

  /** What an encoder of the library makes of events; it has been started. */
  static LineFormat of(Encoder<ILoggingEvent> encoder) {
    return (event, lines) -> {
      byte[] line = encoder.encode(event);
      lines.writeBytes(line);
      boolean isCut = line.length > 0 && line[line.length - 1] != '\n';
      if (isCut) {
        lines.write('\n');
      }
    };
  }
}

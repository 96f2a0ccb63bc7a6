package freellmproxy.observe;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.Encoder;
import java.io.ByteArrayOutputStream;

/** How a log event is written. For one thread at a time. */
interface LineFormat {
  /** Adds the line of an event to those before; nothing of it when it throws. */
  void write(ILoggingEvent event, ByteArrayOutputStream lines);

  /** What an encoder of the library makes of events; it has been started. */
  static LineFormat of(Encoder<ILoggingEvent> encoder) {
    return (event, lines) -> lines.writeBytes(encoder.encode(event));
  }
}

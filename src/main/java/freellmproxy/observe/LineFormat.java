package freellmproxy.observe;

import ch.qos.logback.classic.spi.ILoggingEvent;
import java.io.ByteArrayOutputStream;

/** How a log event is written. For one thread at a time. */
interface LineFormat {
  /** Adds the line of an event to those before; nothing of it when it throws. */
  void write(ILoggingEvent event, ByteArrayOutputStream lines);
}

package freellmproxy.exchange;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The events of one stream that are dropped since they cannot be read. However many an upstream
 * sends, they are two log lines: one at the first, one with their number at the end of the stream.
 * For one event loop.
 */
final class UnreadableEvents {
  private static final Logger LOG = LoggerFactory.getLogger(UnreadableEvents.class);

  private final String model;
  private long count;

  UnreadableEvents(String model) {
    this.model = model;
  }

  void dropped() {
    if (count++ == 0) {
      LOG.atWarn().addKeyValue("model", model).log("stream_event_dropped");
    }
  }

  /** Says how many there were where that is not known yet; may be called again. */
  void streamEnded() {
    if (count > 1) {
      LOG.atWarn()
          .addKeyValue("model", model)
          .addKeyValue("count", count)
          .log("stream_events_dropped");
    }
    count = 0;
  }
}

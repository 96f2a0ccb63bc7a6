package freellmproxy.observe;

import freellmproxy.chat.ChatRequest.Trait;
import freellmproxy.exchange.AttemptRecord;
import freellmproxy.exchange.ExchangeRecord;
import freellmproxy.exchange.ExchangeRecord.StreamEnding;
import freellmproxy.exchange.ExchangeSink;
import freellmproxy.exchange.Rejection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/** One log line for every chat request (contract section 10). Thread-safe. */
public final class ExchangeLog implements ExchangeSink {
  private static final Logger LOG = LoggerFactory.getLogger(ExchangeLog.class);

  @Override
  public void done(ExchangeRecord record) {
    Level level = level(record);
    if (!LOG.isEnabledForLevel(level)) {
      return;
    }
    var traits = record.request().traits();
    LoggingEventBuilder line =
        LOG.atLevel(level)
            .addKeyValue("request_id", record.requestId())
            .addKeyValue("duration_ms", millis(record.duration()))
            .addKeyValue("status", record.status())
            .addKeyValue("chosen_model", record.chosenModel())
            .addKeyValue("stream", record.request().stream())
            .addKeyValue("attempts", attempts(record.attempts()))
            .addKeyValue("had_tools", traits.contains(Trait.HAD_TOOLS))
            .addKeyValue("had_response_format", traits.contains(Trait.HAD_RESPONSE_FORMAT));
    ExchangeRecord.StreamRecord stream = record.stream();
    if (stream != null) {
      line =
          line.addKeyValue("chunks_emitted", stream.chunks())
              .addKeyValue("mid_stream_error", stream.ending() == StreamEnding.MID_ERROR)
              .addKeyValue("client_gone", stream.ending() == StreamEnding.CLIENT_GONE)
              .addKeyValue("ttft_ms", millis(stream.timeToFirstEvent()));
    }
    if (record.keyTail() != null) {
      line =
          line.addKeyValue("reason", record.attempts().getLast().reason())
              .addKeyValue("key_tail", record.keyTail());
    }
    line.log("request_done");
  }

  private static Level level(ExchangeRecord record) {
    if (record.keyTail() != null) {
      return Level.ERROR;
    }
    return record.brokeMidStream() || record.status() >= 500 ? Level.WARN : Level.INFO;
  }

  private static List<Map<String, Object>> attempts(List<AttemptRecord> attempts) {
    var lines = new ArrayList<Map<String, Object>>(attempts.size());
    attempts.forEach(attempt -> lines.add(attempt(attempt)));
    return lines;
  }

  private static Map<String, Object> attempt(AttemptRecord attempt) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("model", attempt.model());
    fields.put("outcome", attempt.outcome().label());
    fields.put("status", attempt.status());
    fields.put("duration_ms", millis(attempt.duration()));
    if (attempt.restsUntil() != null) {
      fields.put("cooldown_until", attempt.restsUntil().toString());
    }
    if (!attempt.reason().isEmpty()) {
      fields.put("reason", attempt.reason());
    }
    if (attempt.detail() != null) {
      boolean hasAnswered = attempt.status() != 0;
      fields.put(hasAnswered ? "upstream_message" : "cause", attempt.detail());
    }
    return fields;
  }

  @Override
  public void rejected(Rejection rejection) {
    LOG.atInfo()
        .addKeyValue("request_id", rejection.requestId())
        .addKeyValue("reason", rejection.reason())
        .addKeyValue("status", rejection.status())
        .addKeyValue("had_tools", rejection.traits().contains(Trait.HAD_TOOLS))
        .addKeyValue("had_response_format", rejection.traits().contains(Trait.HAD_RESPONSE_FORMAT))
        .addKeyValue("had_seed", rejection.traits().contains(Trait.HAD_SEED))
        .addKeyValue("had_stop", rejection.traits().contains(Trait.HAD_STOP))
        .addKeyValue("snapshot_size", rejection.snapshotSize())
        .log("request_rejected");
  }

  /** No line: anybody who can reach the port could fill the log. The metric counts them. */
  @Override
  public void refused(int status) {}

  private static double millis(Duration duration) {
    return Math.round(duration.toNanos() / 1e3) / 1e3;
  }
}

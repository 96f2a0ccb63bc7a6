package freellmproxy.http;

import freellmproxy.api.ApiError;
import freellmproxy.time.Seldom;
import freellmproxy.time.Time;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers a newcomer's first question, "does my client reach the proxy?", where it has a wrong key
 * or a wrong path. One line a minute for each status: anybody who reaches the port causes them.
 * Thread-safe.
 */
public final class RefusalLog {
  private static final Logger LOG = LoggerFactory.getLogger(RefusalLog.class);
  private static final Duration BETWEEN_LINES = Duration.ofMinutes(1);
  private static final int LONGEST = 100;

  private final ConcurrentHashMap<Integer, Line> lines = new ConcurrentHashMap<>();
  private final Time time;

  public RefusalLog(Time time) {
    this.time = time;
  }

  private static final class Line {
    private final Seldom seldom;
    private final AtomicInteger unlogged = new AtomicInteger();

    Line(Time time) {
      this.seldom = new Seldom(time, BETWEEN_LINES);
    }
  }

  /** A request gets this answer. Its key, its query and its body are nobody's business. */
  void note(HttpCall call, ApiError error) {
    Line line = lines.computeIfAbsent(error.status(), status -> new Line(time));
    if (!line.seldom.isDue()) {
      line.unlogged.incrementAndGet();
      return;
    }
    LOG.atWarn()
        .addKeyValue("status", error.status())
        .addKeyValue("code", error.code())
        .addKeyValue("method", shown(call.request().method().name()))
        .addKeyValue("path", shown(call.request().path()))
        .addKeyValue("user_agent", shown(call.request().getHeader("User-Agent")))
        .addKeyValue("unlogged_before", line.unlogged.getAndSet(0))
        .log("request_refused");
  }

  private static @Nullable String shown(@Nullable String text) {
    if (text == null) {
      return null;
    }
    String plain = text.replaceAll("[^ -~]", "?");
    return plain.substring(0, Math.min(plain.length(), LONGEST));
  }
}

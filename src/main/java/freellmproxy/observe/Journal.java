package freellmproxy.observe;

import freellmproxy.api.OwnFault;
import freellmproxy.exchange.ExchangeRecord;
import freellmproxy.exchange.ExchangeSink;
import freellmproxy.exchange.Rejection;
import freellmproxy.time.Seldom;
import freellmproxy.time.Time;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells several sinks of every chat request, in turn. What one of them throws reaches neither the
 * others nor the request, whose answer may have been paid for: it is counted, and logged once a
 * minute at most (docs/decisions/0034). Thread-safe.
 */
public final class Journal implements ExchangeSink {
  private static final Logger LOG = LoggerFactory.getLogger(Journal.class);
  private static final Duration BETWEEN_LINES = Duration.ofMinutes(1);

  private final Time time;
  private final List<Member> members;

  /** A sink, by the name that the log and the metrics give it. */
  public record Named(String name, ExchangeSink sink) {}

  /**
   * Tells these, in this order.
   *
   * @param failures makes for each name what is run at each failure of that sink
   */
  public Journal(List<Named> sinks, Function<String, Runnable> failures, Time time) {
    this.time = time;
    this.members =
        sinks.stream().map(sink -> new Member(sink, failures.apply(sink.name()))).toList();
  }

  @Override
  public void done(ExchangeRecord record) {
    tell(sink -> sink.done(record));
  }

  @Override
  public void rejected(Rejection rejection) {
    tell(sink -> sink.rejected(rejection));
  }

  @Override
  public void refused(int status) {
    tell(sink -> sink.refused(status));
  }

  private void tell(Consumer<ExchangeSink> news) {
    for (Member member : members) {
      try {
        news.accept(member.named.sink());
      } catch (Throwable thrown) {
        member.failed(OwnFault.of(thrown));
      }
    }
  }

  /** A sink and how often it has failed. */
  private final class Member {
    private final Named named;
    private final Runnable onFailure;
    private final AtomicLong failures = new AtomicLong();
    private final Seldom line = new Seldom(time, BETWEEN_LINES);

    Member(Named named, Runnable onFailure) {
      this.named = named;
      this.onFailure = onFailure;
    }

    /** The log and the metrics may be what has failed. */
    void failed(Throwable bug) {
      failures.incrementAndGet();
      OwnFault.ignoredIn(onFailure);
      OwnFault.ignoredIn(() -> logNowAndThen(bug));
    }

    private void logNowAndThen(Throwable bug) {
      if (line.isDue()) {
        LOG.atError()
            .setCause(bug)
            .addKeyValue("sink", named.name())
            .addKeyValue("failures", failures.get())
            .log("sink_failed");
      }
    }
  }
}

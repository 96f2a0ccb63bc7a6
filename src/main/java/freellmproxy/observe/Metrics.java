package freellmproxy.observe;

import freellmproxy.catalog.Catalog;
import freellmproxy.catalog.Model;
import freellmproxy.exchange.AttemptRecord;
import freellmproxy.exchange.ExchangeRecord;
import freellmproxy.exchange.ExchangeSink;
import freellmproxy.exchange.Rejection;
import freellmproxy.routing.Cooldowns;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.DataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The numbers of contract section 11, all derived from finished exchanges and the state at the
 * moment of a scrape. Thread-safe.
 */
public final class Metrics implements ExchangeSink {
  /** The Prometheus text format. */
  public static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

  /** Stands for all models that are not on the list any more. */
  private static final String UNLISTED = "unlisted";

  private static final String FILTERED_OUT = "filtered_out";
  private static final double[] REQUEST_SECONDS = {
    .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300
  };
  private static final double[] OVERHEAD_SECONDS = {
    .0001, .00025, .0005, .001, .0025, .005, .01, .05, .25, 1
  };

  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final PrometheusTextFormatWriter writer = PrometheusTextFormatWriter.create();
  private final Counter requests;
  private final Counter attempts;
  private final Counter sinkFailures;
  private final Histogram duration;
  private final Histogram timeToFirstEvent;
  private final Histogram overhead;

  /** The ids of the list that was read last. */
  private volatile Set<String> listed = Set.of();

  private final AtomicBoolean jvmIsWatched = new AtomicBoolean();

  /** What is looked at when the numbers are asked for; called on a worker thread. */
  public record State(
      Supplier<Catalog> catalog,
      Cooldowns cooldowns,
      IntSupplier inflight,
      Supplier<Optional<Duration>> listAge) {}

  public Metrics(State state) {
    requests =
        counter("freellm_requests_total", "Chat requests by the status they ended with", "status");
    attempts =
        counter(
            "freellm_upstream_attempts_total",
            "Upstream calls by model and outcome; filtered_out counts models passed over",
            "model_id",
            "outcome");
    sinkFailures =
        counter(
            "freellm_sink_failures_total",
            "Requests that a log or the metrics could not be told of",
            "sink");
    duration =
        histogram("freellm_request_duration_seconds", "Whole time of a request", REQUEST_SECONDS);
    timeToFirstEvent =
        histogram(
            "freellm_time_to_first_event_seconds",
            "From the request to the first useful event of its stream",
            REQUEST_SECONDS);
    overhead =
        histogram(
            "freellm_overhead_seconds",
            "The proxy's own time: whole time minus upload and upstream",
            OVERHEAD_SECONDS);
    gauge("freellm_active_models", "Models on the list that are not resting", () -> active(state));
    gauge(
        "freellm_cooldown_models",
        "Models on the list that are resting",
        () -> state.cooldowns().resting(state.catalog().get()));
    gauge("freellm_snapshot_age_seconds", "Time since the list was read", () -> age(state));
    gauge(
        "freellm_inflight_requests",
        "Chat requests that have not got their whole answer",
        () -> state.inflight().getAsInt());
  }

  private Counter counter(String name, String help, String... labels) {
    return Counter.builder()
        .name(name)
        .help(help)
        .labelNames(labels)
        .withoutExemplars()
        .register(registry);
  }

  /**
   * Without exemplars, like the counters: the text format has no place for them, and looking for
   * some wakes a thread twenty times a second.
   */
  private Histogram histogram(String name, String help, double[] bounds) {
    return Histogram.builder()
        .name(name)
        .help(help)
        .classicOnly()
        .classicUpperBounds(bounds)
        .withoutExemplars()
        .register(registry);
  }

  private void gauge(String name, String help, Supplier<Number> value) {
    GaugeWithCallback.builder()
        .name(name)
        .help(help)
        .callback(callback -> callback.call(value.get().doubleValue()))
        .register(registry);
  }

  private static int active(State state) {
    Catalog catalog = state.catalog().get();
    return catalog.models().size() - state.cooldowns().resting(catalog);
  }

  /** NaN while there is no list: an age of 56 years would be a lie. */
  private static double age(State state) {
    return state.listAge().get().map(Metrics::seconds).orElse(Double.NaN);
  }

  /**
   * Forgets the models that are not on this list, so that lists of ever new ids do not fill the
   * memory. What a request under way still has to tell of one of them is counted for all together.
   */
  public void listRefreshed(Catalog catalog) {
    listed = catalog.models().stream().map(Model::id).collect(Collectors.toUnmodifiableSet());
    for (DataPointSnapshot series : attempts.collect().getDataPoints()) {
      Labels labels = series.getLabels();
      String model = String.valueOf(labels.get("model_id"));
      if (!model.equals(UNLISTED) && !listed.contains(model)) {
        attempts.remove(model, String.valueOf(labels.get("outcome")));
      }
    }
  }

  private void count(String model, String outcome) {
    attempts.labelValues(listed.contains(model) ? model : UNLISTED, outcome).inc();
  }

  /** What counts the failures of a sink of this name. */
  public Runnable sinkFailures(String sink) {
    return sinkFailures.labelValues(sink)::inc;
  }

  @Override
  public void done(ExchangeRecord record) {
    String status = Integer.toString(record.status());
    requests.labelValues(record.brokeMidStream() ? status + "/mid_error" : status).inc();
    duration.observe(seconds(record.duration()));
    overhead.observe(Math.max(0, seconds(record.ownTime())));
    if (record.stream() != null) {
      timeToFirstEvent.observe(seconds(record.stream().timeToFirstEvent()));
    }
    for (AttemptRecord attempt : record.attempts()) {
      count(attempt.model(), attempt.outcome().label());
    }
    countFilteredOut(record.filteredOut());
  }

  @Override
  public void rejected(Rejection rejection) {
    requests.labelValues(Integer.toString(rejection.status())).inc();
    duration.observe(seconds(rejection.duration()));
    countFilteredOut(rejection.filteredOut());
  }

  private void countFilteredOut(List<Model> models) {
    for (Model model : models) {
      count(model.id(), FILTERED_OUT);
    }
  }

  @Override
  public void refused(int status) {
    requests.labelValues(Integer.toString(status)).inc();
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }

  /** All numbers in the Prometheus text format. Reads files under /proc: not for event loops. */
  public String text() {
    if (jvmIsWatched.compareAndSet(false, true)) {
      // Not before somebody asks: it loads the JVM's management classes, which a start should not.
      JvmMetrics.builder().register(registry);
    }
    var out = new ByteArrayOutputStream(16 << 10);
    try {
      writer.write(out, registry.scrape());
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory cannot fail", e);
    }
    return out.toString(StandardCharsets.UTF_8);
  }
}

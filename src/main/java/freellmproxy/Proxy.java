package freellmproxy;

import freellmproxy.catalog.Catalog;
import freellmproxy.catalog.CatalogFeed;
import freellmproxy.catalog.CatalogParser;
import freellmproxy.catalog.CatalogRefresher;
import freellmproxy.config.LiveSettings;
import freellmproxy.config.Setting;
import freellmproxy.config.Settings;
import freellmproxy.egress.OutboundRequests;
import freellmproxy.exchange.Exchanges;
import freellmproxy.http.FirstList;
import freellmproxy.http.HttpFront;
import freellmproxy.http.IgnoredModels;
import freellmproxy.http.LargeBodies;
import freellmproxy.http.RefusalLog;
import freellmproxy.observe.ExchangeLog;
import freellmproxy.observe.Journal;
import freellmproxy.observe.Logging;
import freellmproxy.observe.Metrics;
import freellmproxy.routing.Cooldowns;
import freellmproxy.routing.LearnedLimits;
import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import freellmproxy.upstream.AnswerMemory;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The composition root: makes everything, starts it, stops it. Nothing outside this class knows how
 * the rooms are connected. Thread-safe.
 */
public final class Proxy {
  private static final Logger LOG = LoggerFactory.getLogger(Proxy.class);

  /** How often a stopping proxy looks whether the last answer is complete. */
  private static final Duration STOP_LOOK = Duration.ofMillis(20);

  /** Time for the last error frames to leave. */
  private static final Duration FLUSH = Duration.ofMillis(200);

  /** Vert.x's way to say: a free port, and the same one for all who say so. */
  private static final int SHARED_FREE_PORT = -1;

  private final Vertx vertx;
  private final LiveSettings liveSettings;
  private final Settings settings;
  private final Cooldowns cooldowns;
  private final Time time;
  private final OutboundRequests listRequests;
  private final CatalogRefresher refresher;
  private final HttpFront.Shared shared;
  private final List<EventLoop> loops = new CopyOnWriteArrayList<>();
  private volatile boolean stopping;

  private Proxy(Vertx vertx, LiveSettings liveSettings, Time time, List<Journal.Named> moreSinks) {
    this.vertx = vertx;
    this.liveSettings = liveSettings;
    this.settings = liveSettings.current();
    this.time = time;
    this.cooldowns =
        new Cooldowns(
            time::steady, () -> liveSettings.current().fallback(), settings.modelList().refresh());
    var learnedLimits = new LearnedLimits();
    var metrics =
        new Metrics(
            new Metrics.State(this::catalog, cooldowns, this::openExchanges, this::listAge));
    this.listRequests =
        new OutboundRequests(
            vertx,
            settings.modelList().url(),
            settings.modelList().egress(),
            settings.limits().connect(),
            OutboundRequests.Compression.KEPT,
            time);
    this.refresher =
        new CatalogRefresher(
            vertx.getOrCreateContext(),
            new CatalogFeed(
                vertx, listRequests, settings.modelList(), CatalogParser.of(settings), time),
            settings.modelList(),
            time,
            RandomGenerator.getDefault(),
            List.of(
                metrics::listRefreshed,
                cooldowns::listRefreshed,
                catalog -> learnedLimits.forget()));
    var sinks = new ArrayList<Journal.Named>();
    sinks.add(new Journal.Named("log", new ExchangeLog()));
    sinks.add(new Journal.Named("metrics", metrics));
    sinks.addAll(moreSinks);
    var sink = new Journal(sinks, metrics::sinkFailures, time);
    var exchange =
        new Exchanges.Shared(
            liveSettings, cooldowns, learnedLimits, time, sink, AnswerMemory.ofThisProcess());
    var firstList = new FirstList(vertx, refresher.firstReading(), time);
    this.shared =
        new HttpFront.Shared(
            exchange,
            refresher,
            firstList,
            metrics,
            new IgnoredModels(),
            new RefusalLog(time),
            new LargeBodies(vertx),
            () -> stopping,
            this::reload);
  }

  /**
   * Starts a proxy. It listens when the future completes; the list is being read meanwhile, {@link
   * #firstReading} tells when that is over.
   *
   * @return fails when the port cannot be opened
   */
  public static Future<Proxy> start(Vertx vertx, LiveSettings settings, Time time) {
    return start(vertx, settings, time, List.of());
  }

  /**
   * The same.
   *
   * @param moreSinks are told of every chat request too, behind the log and the metrics
   */
  public static Future<Proxy> start(
      Vertx vertx, LiveSettings settings, Time time, List<Journal.Named> moreSinks) {
    var proxy = new Proxy(vertx, settings, time, moreSinks);
    proxy.refresher.start();
    return proxy.listen().onFailure(taken -> proxy.refresher.stop()).map(listening -> proxy);
  }

  private Future<?> listen() {
    int port = settings.listen().port() == 0 ? SHARED_FREE_PORT : settings.listen().port();
    int cores = Runtime.getRuntime().availableProcessors();
    return Future.all(IntStream.range(0, cores).mapToObj(i -> deploy(port)).toList())
        .onSuccess(all ->
            LOG.atInfo()
                .addKeyValue("host", settings.listen().host())
                .addKeyValue("port", port())
                .addKeyValue("upstream", settings.upstream().baseUrl().toString())
                .log("started"));
  }

  private Future<EventLoop> deploy(int port) {
    var loop = new EventLoop(shared, port);
    return vertx.deployVerticle(loop).map(id -> loop).onSuccess(loops::add);
  }

  /** The list as it was first read, empty when it could not be; never fails. */
  public Future<Catalog> firstReading() {
    return refresher.firstReading().map(CatalogRefresher.Refreshed::catalog);
  }

  private Catalog catalog() {
    return refresher.current();
  }

  private Optional<Duration> listAge() {
    return refresher.age();
  }

  /** Reads the list now, as it does by itself at the end of each period. */
  public Future<Catalog> readList() {
    return refresher.refreshNow().map(CatalogRefresher.Refreshed::catalog);
  }

  /**
   * Reads the settings again and applies what can change without a restart. No request is dropped;
   * those under way end as they began. Blocks on a file: not for event loops.
   */
  public LiveSettings.Reload reload() {
    LiveSettings.Reload reload = liveSettings.reload();
    switch (reload) {
      case LiveSettings.Reload.Refused refused ->
          LOG.atWarn().addKeyValue("problems", refused.problems()).log("settings_reload_refused");
      case LiveSettings.Reload.Done done -> {
        if (done.applied().contains(Setting.OPENROUTER_API_KEY)) {
          cooldowns.keyReplaced();
        }
        if (done.applied().contains(Setting.LOG_LEVEL)) {
          Logging.level(liveSettings.current().logLevel());
        }
        Logging.redact(liveSettings.current().redactor());
        LOG.atInfo()
            .addKeyValue("applied", done.applied())
            .addKeyValue("restart_needed", done.restartNeeded())
            .log("settings_reloaded");
        done.warnings().forEach(Proxy::warn);
      }
    }
    return reload;
  }

  /** Says what is odd about the settings. */
  static void warn(String warning) {
    LOG.atWarn().addKeyValue("warning", warning).log("setting_warning");
  }

  /** The port it listens on. */
  public int port() {
    return loops.getFirst().port();
  }

  private int openExchanges() {
    return loops.stream().mapToInt(EventLoop::openExchanges).sum();
  }

  /**
   * Stops in good form (contract section 12): takes no new connections, lets open answers finish
   * within {@code SHUTDOWN_GRACE_SEC}, ends the rest with an error.
   */
  public Future<Void> stop() {
    stopping = true;
    refresher.stop();
    LOG.atInfo().addKeyValue("inflight", openExchanges()).log("stopping");
    Promise<Void> drained = Promise.promise();
    Instant end = time.steady().plus(liveSettings.current().listen().shutdownGrace());
    awaitDrained(end, drained);
    return drained
        .future()
        .compose(done -> closeBefore(end))
        .compose(closed -> listRequests.close())
        .onComplete(closed -> LOG.atInfo().log("stopped"));
  }

  /** Closing waits for a client that does not read the end of its answer, perhaps for ever. */
  private Future<Void> closeBefore(Instant end) {
    Promise<Void> closed = Promise.promise();
    Duration left = Duration.between(time.steady(), end);
    Timer limit = time.after(left.compareTo(FLUSH) > 0 ? left : FLUSH, closed::tryComplete);
    Future.all(loops.stream().map(EventLoop::deploymentID).map(vertx::undeploy).toList())
        .onComplete(all -> {
          limit.cancel();
          closed.tryComplete();
        });
    return closed.future();
  }

  private int openRequests() {
    return loops.stream().mapToInt(EventLoop::openRequests).sum();
  }

  private void awaitDrained(Instant end, Promise<Void> drained) {
    if (openRequests() == 0) {
      drained.complete();
    } else if (time.steady().isBefore(end)) {
      time.after(STOP_LOOK, () -> awaitDrained(end, drained));
    } else {
      loops.forEach(EventLoop::interruptExchanges);
      time.after(FLUSH, drained::complete);
    }
  }
}

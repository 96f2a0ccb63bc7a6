package freellmproxy.catalog;

import freellmproxy.api.OwnFault;
import freellmproxy.config.Settings;
import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the snapshot fresh (contract section 2): reads the list at start and every refresh period,
 * after a failure again with growing pauses. Works on one event loop; {@link #current} may be
 * called anywhere.
 */
public final class CatalogRefresher {
  private static final Logger LOG = LoggerFactory.getLogger(CatalogRefresher.class);
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(5);

  /** Pauses vary by this share, so that many proxies do not return in step. */
  private static final double JITTER = 0.2;

  private final Context context;
  private final CatalogFeed feed;
  private final Settings.ModelList settings;
  private final Time time;
  private final RandomGenerator random;
  private final List<Consumer<Catalog>> listeners;

  private final Promise<Refreshed> firstReading = Promise.promise();
  private volatile Catalog current = Catalog.EMPTY;

  /** When that was read, by {@link Time#steady()}. */
  private volatile Instant readAt = Instant.EPOCH;

  /** Of the last reading; null when it went well. */
  private volatile @Nullable FetchFailure failure;

  private boolean isReading;

  /** Of the reading behind the one under way, when somebody has asked for it. */
  private @Nullable Promise<Refreshed> following;

  private @Nullable Timer next;
  private Duration pause = FIRST_PAUSE;
  private boolean stopped;

  /** What came of one reading; {@code failure} is null when it went well. */
  public record Refreshed(Catalog catalog, @Nullable FetchFailure failure) {}

  /**
   * Describes the refresher; {@link #start} starts it.
   *
   * @param context the event loop to work on
   * @param listeners told on that loop of each new snapshot, in turn, whatever one of them throws;
   *     when it can be seen by requests
   */
  public CatalogRefresher(
      Context context,
      CatalogFeed feed,
      Settings.ModelList settings,
      Time time,
      RandomGenerator random,
      List<Consumer<Catalog>> listeners) {
    this.context = context;
    this.feed = feed;
    this.settings = settings;
    this.time = time;
    this.random = random;
    this.listeners = List.copyOf(listeners);
  }

  /** The snapshot of this moment; {@link Catalog#EMPTY} before the first. */
  public Catalog current() {
    return current;
  }

  /** That snapshot, and what went wrong when the list was last read. */
  public Refreshed latest() {
    return new Refreshed(current, failure);
  }

  /** How long ago that one was read; empty before the first. */
  public Optional<Duration> age() {
    return current.isEmpty()
        ? Optional.empty()
        : Optional.of(Duration.between(readAt, time.steady()));
  }

  /** Reads the list for the first time and from then on by itself. */
  public void start() {
    refreshNow().onComplete(firstReading);
  }

  /** Ends with the first reading, however that ends; never fails. */
  public Future<Refreshed> firstReading() {
    return firstReading.future();
  }

  /**
   * Reads the list now. Readings never overlap, so that an older list cannot replace a newer one.
   * While one is under way, all who ask wait for one more, which begins behind it: it is as new as
   * any of them can want, and they cannot make a queue of readings. The future never fails: what
   * went wrong is a value.
   */
  public Future<Refreshed> refreshNow() {
    Promise<Refreshed> promise = Promise.promise();
    context.runOnContext(go -> {
      if (!isReading) {
        begin(promise);
      } else {
        if (following == null) {
          following = Promise.promise();
        }
        following.future().onComplete(promise);
      }
    });
    return promise.future();
  }

  private void begin(Promise<Refreshed> promise) {
    isReading = true;
    Future.succeededFuture()
        .compose(start -> read())
        .otherwise(this::failed)
        .onComplete(read -> {
          isReading = false;
          Promise<Refreshed> next = following;
          following = null;
          promise.handle(read);
          if (next != null) {
            begin(next);
          }
        });
  }

  private Future<Refreshed> read() {
    cancelNext();
    return feed.fetch()
        .map(result ->
            switch (result) {
              case CatalogParser.Result.Parsed parsed -> install(parsed);
              case CatalogParser.Result.Unusable unusable -> keepOld(unusable.failure());
            });
  }

  private Refreshed install(CatalogParser.Result.Parsed parsed) {
    readAt = time.steady();
    current = new Catalog(current.generation() + 1, time.instant(), parsed.models());
    failure = null;
    pause = FIRST_PAUSE;
    listeners.forEach(this::tell);
    LOG.atInfo()
        .addKeyValue("count", current.models().size())
        .addKeyValue("generation", current.generation())
        .addKeyValue("url", settings.shown())
        .log("snapshot_refreshed");
    warn(parsed);
    schedule(settings.refresh());
    return new Refreshed(current, null);
  }

  /** The new list is read and in force, whatever a listener makes of it. */
  private void tell(Consumer<Catalog> listener) {
    try {
      listener.accept(current);
    } catch (Throwable thrown) {
      LOG.atError().setCause(OwnFault.of(thrown)).log("refresh_listener_failed");
    }
  }

  private Refreshed keepOld(FetchFailure why) {
    failure = why;
    LOG.atWarn()
        .addKeyValue("error", why.error())
        .addKeyValue("type", why.type().label())
        .addKeyValue("url", settings.shown())
        .log("snapshot_refresh_failed");
    schedule(shorter(jittered(pause), settings.refresh()));
    pause = shorter(pause.multipliedBy(2), settings.refresh());
    return new Refreshed(current, why);
  }

  /** A bug must not end the reading for ever. */
  private Refreshed failed(Throwable bug) {
    LOG.atError().setCause(bug).log("refresh_failed");
    return keepOld(
        FetchFailure.of(FetchFailure.Type.INTERNAL, "the proxy made a mistake, see its log"));
  }

  private static void warn(CatalogParser.Result.Parsed parsed) {
    parsed
        .warnings()
        .forEach(
            warning -> LOG.atWarn().addKeyValue("reason", warning).log("snapshot_entry_skipped"));
    if (parsed.moreWarnings() > 0) {
      LOG.atWarn().addKeyValue("more", parsed.moreWarnings()).log("snapshot_entry_skipped");
    }
  }

  private void schedule(Duration delay) {
    if (!stopped) {
      cancelNext();
      next = time.after(delay, this::refreshNow);
    }
  }

  private void cancelNext() {
    if (next != null) {
      next.cancel();
      next = null;
    }
  }

  private Duration jittered(Duration pause) {
    double factor = 1 + JITTER * (2 * random.nextDouble() - 1);
    return Duration.ofMillis(Math.round(pause.toMillis() * factor));
  }

  private static Duration shorter(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  /** Reads no more. */
  public void stop() {
    context.runOnContext(go -> {
      stopped = true;
      cancelNext();
    });
  }
}

package freellmproxy.routing;

import freellmproxy.catalog.Catalog;
import freellmproxy.catalog.Model;
import freellmproxy.config.Settings;
import freellmproxy.routing.RestState.Phase;
import freellmproxy.upstream.Allowance;
import freellmproxy.upstream.Rest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Who rests until when (contract sections 5 and 7). A rest is a state machine per model: awake,
 * resting, and probing by exactly one request, once the rest is over or early. The {@link
 * AccountQuota} behind the upstream key makes all of them rest at once.
 *
 * <p>Thread-safe: shared by all event loops, never blocks for longer than a map update.
 */
public final class Cooldowns {
  /** So many empty answers in a row make a model rest. */
  private static final int EMPTY_ANSWERS_BEFORE_REST = 3;

  private final ConcurrentHashMap<String, RestState> states = new ConcurrentHashMap<>();
  private final InstantSource clock;
  private final Supplier<Settings.Fallback> settings;
  private final Duration refreshPeriod;
  private final AccountQuota account = new AccountQuota();
  private final AtomicLong changes = new AtomicLong();
  private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();

  /**
   * Starts with everybody awake.
   *
   * @param clock all moments here are its own; one that is set would make rests longer or shorter
   * @param settings those of this moment
   * @param refreshPeriod how long a rest "until the next refresh" lasts when the list cannot be
   *     read
   */
  public Cooldowns(
      InstantSource clock, Supplier<Settings.Fallback> settings, Duration refreshPeriod) {
    this.clock = clock;
    this.settings = settings;
    this.refreshPeriod = refreshPeriod;
  }

  /** Whether a model may be asked now. */
  public sealed interface Admission {
    /** It may; what comes of it must be said to the permit. */
    record Admitted(Permit permit) implements Admission {}

    /** It rests, or another request is the first one after its rest. */
    record Resting(Instant until) implements Admission {}

    /** No model may be asked: the account's quota is used up. */
    record AccountResting(AccountRest rest) implements Admission {}
  }

  /** The clock that all rests are measured with. */
  Instant now() {
    return clock.instant();
  }

  /**
   * Grows whenever somebody begins or ends to rest before the time he was to; as long as it does
   * not, {@link #restOf} can only change by time going on.
   */
  long changes() {
    return changes.get();
  }

  private void changed() {
    changes.incrementAndGet();
    wake();
  }

  /** Tells those who wait now; who waits again meanwhile waits for the next change. */
  private void wake() {
    for (int left = waiting.size(); left > 0; left--) {
      Runnable task = waiting.poll();
      if (task != null) {
        task.run();
      }
    }
  }

  /**
   * Runs {@code task} once, on any thread, when there have been more {@link #changes} than {@code
   * seen}, perhaps at once. It must be short.
   */
  public void onChangeAfter(long seen, Runnable task) {
    waiting.add(task);
    if (changes.get() != seen) {
      wake();
    }
  }

  /**
   * Until when to ask for a call would be in vain, {@link Instant#MAX} while another request finds
   * that out; null when it would not be. Cheaper than a refusal on a walk past many.
   */
  @Nullable Instant restOf(Model model, Instant now) {
    RestState state = states.get(model.id());
    if (state == null) {
      return null;
    }
    return switch (state.phase()) {
      case AWAKE -> null;
      case RESTING -> state.restsAt(now) ? state.until() : null;
      case PROBING -> Instant.MAX;
    };
  }

  /** The same, but not beyond the moment from which the model may be asked early. */
  @Nullable Instant certainRestOf(Model model, Instant now) {
    RestState state = states.get(model.id());
    if (state == null) {
      return null;
    }
    return switch (state.phase()) {
      case AWAKE -> null;
      case RESTING -> now.isBefore(state.probeFrom()) ? state.probeFrom() : null;
      case PROBING -> Instant.MAX;
    };
  }

  /** Whether it rests, but may be asked early where another serves behind it. */
  boolean isProbeDue(Model model, Instant now) {
    RestState state = states.get(model.id());
    return state != null && state.isProbeDueAt(now);
  }

  /** Whether it rests, but may be asked early where nobody else is left. */
  boolean isLastResort(Model model, Instant now) {
    RestState state = states.get(model.id());
    return state != null && state.isLastResortAt(now);
  }

  /** Whether its rest is not over yet. */
  boolean rests(Model model, Instant now) {
    RestState state = states.get(model.id());
    return state != null && state.restsAt(now);
  }

  /** Asks for one call to a model. After a rest only the first asker is admitted. */
  public Admission admit(Model model) {
    Optional<AccountRest> accountRest = accountRest();
    return accountRest.isPresent()
        ? new Admission.AccountResting(accountRest.get())
        : enter(model.id());
  }

  /** Whether the account rests; empty when it does not. */
  public Optional<AccountRest> accountRest() {
    return account.rest(clock.instant());
  }

  /** Asks for one call to a model that rests; only the first asker is admitted. */
  Admission admitEarly(Model model) {
    Optional<AccountRest> accountRest = accountRest();
    if (accountRest.isPresent()) {
      return new Admission.AccountResting(accountRest.get());
    }
    RestState state = states.get(model.id());
    return state != null && state.phase() == Phase.RESTING
        ? probe(model.id(), state)
        : enter(model.id());
  }

  private Admission enter(String id) {
    RestState state = states.get(id);
    if (state == null || state.phase() == Phase.AWAKE) {
      return new Admission.Admitted(new Permit(id, null));
    }
    Instant now = clock.instant();
    if (state.phase() == Phase.PROBING) {
      return new Admission.Resting(now);
    }
    if (state.restsAt(now)) {
      return new Admission.Resting(state.until());
    }
    return probe(id, state);
  }

  private Admission probe(String id, RestState state) {
    boolean isFirst = states.replace(id, state, state.probing());
    changed();
    // Where another request was faster, what it made of the state decides.
    return isFirst ? new Admission.Admitted(new Permit(id, state.until())) : enter(id);
  }

  private RestLength restLength() {
    return new RestLength(settings.get(), refreshPeriod);
  }

  /** Changes what is remembered, if anything is; null forgets it. */
  private void change(String id, Function<RestState, @Nullable RestState> change) {
    if (states.containsKey(id)) {
      states.computeIfPresent(id, (key, state) -> change.apply(state));
      changed();
    }
  }

  /**
   * The right to one call, and the duty to say what came of it: {@link #answering} where an answer
   * takes a while, then one of the others.
   */
  public final class Permit {
    private final String id;
    private final @Nullable Instant probe;
    private final int keyAtStart = account.key();
    private @Nullable Instant restOfOurs;

    /**
     * For one call.
     *
     * @param probe the end of the rest that this is the first call after; null when there was none
     */
    private Permit(String id, @Nullable Instant probe) {
      this.id = id;
      this.probe = probe;
    }

    /** Whether it is for the first call after a rest, or an early one. */
    public boolean isProbe() {
      return probe != null;
    }

    /** The answer has begun: others may ask too, but past failures are not forgotten yet. */
    public void answering() {
      change(id, state -> state.isProbing(probe) ? state.awake() : state);
    }

    /** It gave a whole answer: its failures are forgotten. */
    public void succeeded() {
      // A rest that the failure of another request has begun meanwhile stays; one that a first try
      // of this call has begun ends.
      change(
          id,
          state ->
              state.phase() == Phase.RESTING && !state.until().equals(restOfOurs) ? state : null);
    }

    /**
     * It failed.
     *
     * @param cause a short name for why, in our own words
     * @return until when it rests now
     */
    public Instant failed(Rest rest, String cause) {
      Instant now = clock.instant();
      RestLength length = restLength();
      RestState rested =
          states.compute(
              id,
              (key, old) -> (old == null ? RestState.AWAKE : old).rested(rest, cause, length, now));
      changed();
      restOfOurs = rested.until();
      return rested.until();
    }

    /**
     * It answered with nothing.
     *
     * @return until when it rests now, null when it does not
     */
    public @Nullable Instant answeredEmpty() {
      RestState state =
          states.compute(id, (key, old) -> (old == null ? RestState.AWAKE : old).withEmptyAnswer());
      if (state.empties() >= EMPTY_ANSWERS_BEFORE_REST) {
        return failed(new Rest(Rest.Kind.ERROR, null), "empty_answer");
      }
      releasedWithoutBlame();
      return null;
    }

    /**
     * The account's quota is used up; the model itself is not to blame.
     *
     * @param allowance what was used up
     * @param hint how long until it is back, null when the upstream did not say
     * @return how the account rests now; null when that was another account, since the key was
     *     replaced meanwhile
     */
    public @Nullable AccountRest accountLimited(Allowance allowance, @Nullable Duration hint) {
      var rest = new Rest(Rest.Kind.RATE_LIMIT, hint);
      Instant end = restLength().end(rest, 1, clock.instant());
      @Nullable AccountRest rests =
          account.usedUp(new AccountRest(end, allowance, hint == null), keyAtStart);
      // Behind it: whoever waits must not be let in.
      releasedWithoutBlame();
      changed();
      return rests;
    }

    /** Nothing was learned: the caller went away, or the request did not suit the model. */
    public void releasedWithoutBlame() {
      change(id, state -> state.isProbing(probe) ? state.probeGivenUp() : state);
    }
  }

  /** A new list was read: models that left are forgotten, rests until this moment end. */
  public void listRefreshed(Catalog catalog) {
    Set<String> listed = catalog.models().stream().map(Model::id).collect(Collectors.toSet());
    states.keySet().retainAll(listed);
    states.values().removeIf(RestState::untilRefresh);
    changed();
  }

  /** The operator asked for a fresh start (contract section 3, {@code POST /admin/refresh}). */
  public void clear() {
    states.clear();
    account.forget();
    changed();
  }

  /** The upstream key is another one: what was learned with the old one is forgotten. */
  public void keyReplaced() {
    account.keyReplaced();
    clear();
  }

  /** When the first of these models may be asked; now, when one of them may be asked already. */
  public Instant firstWake(Collection<Model> models) {
    Instant now = clock.instant();
    return models.stream()
        .map(model -> states.getOrDefault(model.id(), RestState.AWAKE))
        .map(state -> state.restsAt(now) ? state.until() : now)
        .min(Instant::compareTo)
        .orElse(now);
  }

  /** Why those of these models rest that do, one cause for each. */
  public List<String> causes(Collection<Model> models) {
    Instant now = clock.instant();
    return models.stream()
        .map(model -> states.getOrDefault(model.id(), RestState.AWAKE))
        .filter(state -> state.restsAt(now))
        .map(RestState::cause)
        .toList();
  }

  /** How many models of the catalog rest now. */
  public int resting(Catalog catalog) {
    if (accountRest().isPresent()) {
      return catalog.models().size();
    }
    Instant now = clock.instant();
    return Math.toIntExact(
        catalog.models().stream()
            .map(model -> states.get(model.id()))
            .filter(state -> state != null && state.restsAt(now))
            .count());
  }
}

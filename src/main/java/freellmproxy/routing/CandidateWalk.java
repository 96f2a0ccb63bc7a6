package freellmproxy.routing;

import freellmproxy.catalog.Capability;
import freellmproxy.catalog.Model;
import freellmproxy.chat.Requirements;
import freellmproxy.routing.CandidateSelector.Selection;
import freellmproxy.routing.Cooldowns.Admission;
import freellmproxy.routing.Cooldowns.Permit;
import freellmproxy.upstream.Unfit;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The way of one request down its candidates, best rank first, each asked once. Skips who rests and
 * who has turned out not to suit the request. Belongs to one exchange.
 */
public final class CandidateWalk {
  private final Selection selection;
  private final Requirements requirements;
  private final Cooldowns cooldowns;
  private final LearnedLimits learned;
  private final List<Model> candidates;
  private final Set<Model> refusers = new HashSet<>();
  private final List<Model> asked = new ArrayList<>(1);
  private long windowToExceed;
  private boolean hasAskedEarly;
  private boolean refusedForLength;

  /** One of unknown size has had its try after a refusal for length, and refused as well. */
  private boolean unknownWindowsRuledOut;

  public CandidateWalk(
      Selection selection, Requirements requirements, Cooldowns cooldowns, LearnedLimits learned) {
    this.selection = selection;
    this.requirements = requirements;
    this.cooldowns = cooldowns;
    this.learned = learned;
    this.candidates = selection.candidates();
  }

  /** Who is next. */
  public sealed interface Step {
    /** This one; the permit must be used. */
    record Ask(Model model, Permit permit) implements Step {}

    /** Nobody, since the account rests. */
    record AccountRests(AccountRest rest) implements Step {}

    /**
     * Nobody yet: the first call after a rest is under way to one who suits the request.
     *
     * @param changes those of {@link Cooldowns} that this takes into account
     * @param longest until the first rest of another who suits ends; empty when nobody rests
     */
    record AwaitProbe(long changes, Optional<Duration> longest) implements Step {}

    /** Nobody is left who suits the request and does not rest. */
    record NobodyLeft() implements Step {}
  }

  /**
   * Takes the best candidate that may be asked, one that was passed over before among them. Once in
   * a request it is one that rests: whose probe is due while another would serve behind it, or whom
   * a guess made rest when nobody else is left.
   *
   * @param callsLeft so many more may be asked, this one among them; a probe takes nobody the last
   */
  public Step next(int callsLeft) {
    // Noted first: what changes meanwhile is worth another look.
    long changes = cooldowns.changes();
    // One moment for all: a rest that ends between two looks would be taken for a probe.
    Instant now = cooldowns.now();
    int first = selection.restingHead().length(cooldowns, now);
    boolean mayProbe = !hasAskedEarly && callsLeft > 1;
    @Nullable Model due = null;
    for (Model model : candidates.subList(first, candidates.size())) {
      if (cooldowns.restOf(model, now) != null) {
        if (due == null && mayProbe && cooldowns.isProbeDue(model, now) && isLeft(model)) {
          due = model;
        }
        continue;
      }
      if (!isLeft(model)) {
        continue;
      }
      @Nullable Step step = due == null ? null : askEarly(due);
      due = null;
      if (step == null) {
        step = step(model, cooldowns.admit(model));
      }
      if (step != null) {
        return step;
      }
    }
    return withoutAnyAwake(changes, now);
  }

  /** What an admission leads to; null when another request was faster. */
  private @Nullable Step step(Model model, Admission admission) {
    return switch (admission) {
      case Admission.Admitted admitted -> {
        asked.add(model);
        yield new Step.Ask(model, admitted.permit());
      }
      case Admission.AccountResting resting -> new Step.AccountRests(resting.rest());
      case Admission.Resting resting -> null;
    };
  }

  private @Nullable Step askEarly(Model model) {
    hasAskedEarly = true;
    return step(model, cooldowns.admitEarly(model));
  }

  private Step withoutAnyAwake(long changes, Instant now) {
    List<Model> unasked = candidates.stream().filter(this::isLeft).toList();
    List<Model> resting = unasked.stream().filter(model -> cooldowns.rests(model, now)).toList();
    if (resting.size() == unasked.size()) {
      Optional<Model> lastResort =
          resting.stream()
              .filter(model -> !hasAskedEarly && cooldowns.isLastResort(model, now))
              .findFirst();
      if (lastResort.isEmpty()) {
        return new Step.NobodyLeft();
      }
      @Nullable Step step = askEarly(lastResort.get());
      // Where another request was faster, its answer is awaited.
      return step == null ? withoutAnyAwake(changes, now) : step;
    }
    // The others are passed over for a probe only, which may have ended meanwhile.
    return new Step.AwaitProbe(
        changes,
        resting.isEmpty()
            ? Optional.empty()
            : Optional.of(Duration.between(now, cooldowns.firstWake(resting))));
  }

  private boolean isLeft(Model model) {
    return !asked.contains(model) && suits(model);
  }

  /** After a refusal for length a larger window will do, or once one of unknown size. */
  private boolean suits(Model model) {
    Long window = model.contextLength();
    boolean isLargeEnough = window == null ? !unknownWindowsRuledOut : window > windowToExceed;
    return isLargeEnough && !refusers.contains(model) && !learned.rulesOut(model, requirements);
  }

  /** A candidate refused this kind of request; what that teaches is remembered. */
  public void refusedBy(Model model, Unfit unfit) {
    refusers.add(model);
    switch (unfit) {
      case Unfit.Lacks lacks -> learned.lacks(model, lacks.capability());
      case Unfit.CannotRead cannotRead -> learned.cannotRead(model, cannotRead.input());
      case Unfit.ContextTooLong tooLong -> {
        Long window = tooLong.window() != null ? tooLong.window() : model.contextLength();
        windowToExceed = Math.max(windowToExceed, window == null ? 0 : window);
        unknownWindowsRuledOut |= refusedForLength && model.contextLength() == null;
        refusedForLength = true;
      }
      case Unfit.Parameters parameters -> {}
    }
  }

  /** Models on the list that could answer this request as far as is known, resting or not. */
  public List<Model> suitable() {
    return candidates.stream().filter(this::suits).toList();
  }

  /** Whether no model on the list could answer this request, resting or not. */
  public boolean nobodySuits() {
    return candidates.stream().noneMatch(this::suits);
  }

  /** How long until somebody may be asked who has not been yet; zero when somebody may now. */
  public Duration untilAnotherMayBeAsked() {
    Instant now = cooldowns.now();
    Instant first = Instant.MAX;
    for (Model model : candidates) {
      if (isLeft(model)) {
        @Nullable Instant rest = cooldowns.restOf(model, now);
        first = rest == null ? now : rest.isBefore(first) ? rest : first;
      }
    }
    Instant account = cooldowns.accountRest().map(AccountRest::until).orElse(now);
    return Duration.between(now, first.isBefore(account) ? account : first);
  }

  /** When the first suitable model may be asked again. */
  public Instant firstWake() {
    return cooldowns.firstWake(suitable());
  }

  /** Why those suitable models rest that were not asked for this request, one cause for each. */
  public List<String> causesOfRests() {
    return cooldowns.causes(suitable().stream().filter(model -> !asked.contains(model)).toList());
  }

  /** What no model can do, in the words of the API. */
  public Collection<String> missing() {
    var missing = selection.missing().isEmpty() ? requirements.capabilities() : selection.missing();
    Stream<String> inputs =
        selection.missing().isEmpty()
            ? requirements.inputs().stream()
                .map(input -> input.name().toLowerCase(Locale.ROOT) + " input")
            : Stream.empty();
    return Stream.concat(missing.stream().map(Capability::parameter), inputs)
        .collect(Collectors.toCollection(TreeSet::new));
  }
}

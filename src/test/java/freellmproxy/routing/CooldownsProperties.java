package freellmproxy.routing;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.catalog.Catalog;
import freellmproxy.catalog.Model;
import freellmproxy.config.Settings;
import freellmproxy.routing.Cooldowns.Admission;
import freellmproxy.routing.Cooldowns.Permit;
import freellmproxy.upstream.Allowance;
import freellmproxy.upstream.Rest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Contract section 7 against a plain description of it: random sequences of requests that overlap,
 * answers, time steps and refreshes; 200 seeds of 1,000 steps. What differs is reported with seed
 * and step.
 */
final class CooldownsProperties {
  private static final int SEEDS = 200;
  private static final int STEPS = 1_000;
  private static final int MODELS = 4;
  private static final Duration ERROR = Duration.ofSeconds(20);
  private static final Duration RATE_LIMIT = Duration.ofMinutes(5);
  private static final Duration REFRESH = Duration.ofHours(1);

  private final List<Model> models =
      IntStream.range(0, MODELS)
          .mapToObj(i -> new Model("m" + i, null, null, null, Set.of(), Set.of()))
          .toList();
  private final Seen[] seen = Stream.generate(Seen::new).limit(MODELS).toArray(Seen[]::new);
  private final List<Held> held = new ArrayList<>();
  private Instant accountUntil = Instant.MIN;
  private Instant now = Instant.parse("2026-11-24T00:00:00Z");
  private final Cooldowns cooldowns =
      new Cooldowns(() -> now, () -> new Settings.Fallback(5, 0, RATE_LIMIT, ERROR), REFRESH);
  private Random random = new Random(0);
  private String where = "";

  /** What a bystander knows about one model. */
  private static final class Seen {
    private boolean failedSinceItAnswered;
    private Instant until = Instant.MIN;
    private Instant probeFrom = Instant.MIN;
    private boolean isFirstGuess;
    private @Nullable Held prober;
    private int failures;
    private int empties;
    private boolean untilRefresh;

    boolean restsAt(Instant now) {
      return failedSinceItAnswered && prober == null && now.isBefore(until);
    }

    boolean isProbeDueAt(Instant now) {
      return restsAt(now) && !now.isBefore(probeFrom);
    }

    boolean isLastResortAt(Instant now) {
      return restsAt(now) && isFirstGuess;
    }

    boolean isClosedAt(Instant now) {
      return failedSinceItAnswered && (prober != null || now.isBefore(until));
    }

    void admitted(Held by) {
      if (failedSinceItAnswered) {
        prober = by;
        untilRefresh = false;
      }
    }

    void gaveUp(Held by) {
      if (prober == by) {
        prober = null;
      }
    }

    void answered(Held by) {
      if (prober == by) {
        prober = null;
        failedSinceItAnswered = false;
      }
    }
  }

  /** A call under way. */
  private static final class Held {
    private final int model;
    private final Permit permit;

    Held(int model, Permit permit) {
      this.model = model;
      this.permit = permit;
    }
  }

  static IntStream seeds() {
    return IntStream.range(0, SEEDS);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void restsAsTheContractSays(int seed) {
    random = new Random(seed);
    for (int step = 0; step < STEPS; step++) {
      where = "seed " + seed + ", step " + step;
      act();
      checkWhatCanBeSeen();
    }
  }

  private void act() {
    int die = random.nextInt(100);
    if (die < 35) {
      ask(random.nextInt(MODELS));
    } else if (die < 45) {
      askEarly(random.nextInt(MODELS));
    } else if (die < 85) {
      if (!held.isEmpty()) {
        end(held.remove(random.nextInt(held.size())));
      }
    } else if (die < 96) {
      now = now.plusSeconds(1 + random.nextInt(random.nextBoolean() ? 20 : 200));
    } else if (die < 99) {
      refresh();
    } else {
      clear();
    }
  }

  private void ask(int model) {
    switch (cooldowns.admit(models.get(model))) {
      case Admission.Resting resting -> {
        assertThat(seen[model].isClosedAt(now)).as(where).isTrue();
        if (seen[model].restsAt(now)) {
          assertThat(resting.until()).as(where).isEqualTo(seen[model].until);
        }
      }
      case Admission.AccountResting resting -> {
        assertThat(resting.rest().until()).as(where).isEqualTo(accountUntil);
        assertThat(now.isBefore(accountUntil)).as(where).isTrue();
      }
      case Admission.Admitted admitted -> {
        assertThat(seen[model].isClosedAt(now)).as(where).isFalse();
        assertThat(now.isBefore(accountUntil)).as(where).isFalse();
        var call = new Held(model, admitted.permit());
        seen[model].admitted(call);
        held.add(call);
      }
    }
  }

  /** As a walk does: only those that rest, for one of the two reasons there are. */
  private void askEarly(int model) {
    if (!seen[model].isProbeDueAt(now) && !seen[model].isLastResortAt(now)) {
      return;
    }
    switch (cooldowns.admitEarly(models.get(model))) {
      case Admission.Resting resting -> throw new AssertionError(where);
      case Admission.AccountResting resting -> {
        assertThat(resting.rest().until()).as(where).isEqualTo(accountUntil);
        assertThat(now.isBefore(accountUntil)).as(where).isTrue();
      }
      case Admission.Admitted admitted -> {
        assertThat(now.isBefore(accountUntil)).as(where).isFalse();
        assertThat(admitted.permit().isProbe()).as(where).isTrue();
        var call = new Held(model, admitted.permit());
        seen[model].admitted(call);
        held.add(call);
      }
    }
  }

  private void end(Held call) {
    Seen model = seen[call.model];
    int die = random.nextInt(100);
    if (die < 20) {
      call.permit.answering();
      model.answered(call);
      held.add(call);
    } else if (die < 40) {
      call.permit.succeeded();
      boolean restBegan = model.failedSinceItAnswered && model.prober == null;
      if (!restBegan) {
        seen[call.model] = new Seen();
      }
    } else if (die < 70) {
      fail(call, model);
    } else if (die < 80) {
      answerEmpty(call, model);
    } else if (die < 85) {
      Duration hint = hint();
      model.gaveUp(call);
      Instant until = capped(now.plus(hint == null ? RATE_LIMIT : hint));
      accountUntil = accountUntil.isAfter(until) ? accountUntil : until;
      assertThat(call.permit.accountLimited(Allowance.DAY, hint))
          .as(where)
          .returns(accountUntil, AccountRest::until);
    } else {
      call.permit.releasedWithoutBlame();
      model.gaveUp(call);
    }
  }

  private void fail(Held call, Seen model) {
    Rest.Kind[] kinds = Rest.Kind.values();
    var rest = new Rest(kinds[random.nextInt(kinds.length)], hint());
    assertThat(call.permit.failed(rest, "x")).as(where).isEqualTo(rested(model, rest));
  }

  private void answerEmpty(Held call, Seen model) {
    model.empties++;
    if (model.empties < 3) {
      assertThat(call.permit.answeredEmpty()).as(where).isNull();
      model.gaveUp(call);
    } else {
      assertThat(call.permit.answeredEmpty())
          .as(where)
          .isEqualTo(rested(model, new Rest(Rest.Kind.ERROR, null)));
    }
  }

  private @Nullable Duration hint() {
    return random.nextInt(3) == 0 ? Duration.ofSeconds(1 + random.nextInt(100_000)) : null;
  }

  /** The rest that must follow. */
  private Instant rested(Seen who, Rest rest) {
    boolean restsAlready = who.restsAt(now);
    int failuresBefore = who.failures;
    if (rest.kind() == Rest.Kind.ERROR && !restsAlready) {
      who.failures++;
    }
    Duration hint = rest.hint();
    Duration length =
        switch (rest.kind()) {
          case UNTIL_REFRESH -> REFRESH;
          case RATE_LIMIT -> hint == null ? RATE_LIMIT : hint;
          case ERROR -> hint == null ? afterFailures(who.failures) : hint;
        };
    Instant until = capped(now.plus(length));
    boolean isFirst =
        restsAlready ? who.isFirstGuess : !who.failedSinceItAnswered && failuresBefore == 0;
    who.until = restsAlready && who.until.isAfter(until) ? who.until : until;
    Instant soon = now.plusSeconds(30);
    boolean isEarly = rest.kind() == Rest.Kind.ERROR && hint == null && soon.isBefore(until);
    Instant probe = isEarly ? soon : until;
    who.probeFrom = restsAlready && who.probeFrom.isAfter(probe) ? who.probeFrom : probe;
    who.untilRefresh = rest.kind() == Rest.Kind.UNTIL_REFRESH || (restsAlready && who.untilRefresh);
    boolean isGuess = hint == null && rest.kind() != Rest.Kind.UNTIL_REFRESH;
    who.isFirstGuess = isFirst && isGuess && !who.untilRefresh;
    who.failedSinceItAnswered = true;
    who.prober = null;
    who.empties = 0;
    return who.until;
  }

  private Instant capped(Instant until) {
    Instant longest = now.plus(Duration.ofHours(24));
    return until.isAfter(longest) ? longest : until;
  }

  private static Duration afterFailures(int failures) {
    return switch (failures) {
      case 0, 1 -> ERROR;
      case 2 -> ERROR.multipliedBy(2);
      default -> Duration.ofMinutes(1);
    };
  }

  private void refresh() {
    var listed = new ArrayList<Model>();
    for (int i = 0; i < MODELS; i++) {
      boolean stays = random.nextInt(4) > 0;
      if (stays) {
        listed.add(models.get(i));
      }
      if (!stays || seen[i].untilRefresh) {
        seen[i] = new Seen();
      }
    }
    cooldowns.listRefreshed(new Catalog(1, now, listed));
  }

  private void clear() {
    cooldowns.clear();
    IntStream.range(0, MODELS).forEach(i -> seen[i] = new Seen());
    accountUntil = Instant.MIN;
  }

  private void checkWhatCanBeSeen() {
    for (int i = 0; i < MODELS; i++) {
      boolean isDue = seen[i].isProbeDueAt(now);
      boolean isLastResort = seen[i].isLastResortAt(now);
      assertThat(cooldowns.isProbeDue(models.get(i), now)).as(where).isEqualTo(isDue);
      assertThat(cooldowns.isLastResort(models.get(i), now)).as(where).isEqualTo(isLastResort);
      boolean isPassedOver = seen[i].isClosedAt(now) && !isDue;
      assertThat(cooldowns.certainRestOf(models.get(i), now) != null)
          .as(where)
          .isEqualTo(isPassedOver);
    }
    long resting = Stream.of(seen).filter(model -> model.restsAt(now)).count();
    assertThat(cooldowns.resting(new Catalog(1, now, models)))
        .as(where)
        .isEqualTo(now.isBefore(accountUntil) ? MODELS : Math.toIntExact(resting));
    assertThat(cooldowns.accountRest().isPresent()).as(where).isEqualTo(now.isBefore(accountUntil));
    Instant wake =
        Stream.of(seen)
            .map(model -> model.restsAt(now) ? model.until : now)
            .min(Instant::compareTo)
            .orElse(now);
    assertThat(cooldowns.firstWake(models)).as(where).isEqualTo(wake);
  }
}

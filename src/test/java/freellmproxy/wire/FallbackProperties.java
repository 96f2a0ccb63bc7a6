package freellmproxy.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.ReceivedRequest;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.Events;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.TestProxy;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The whole proxy over real sockets against a plain description of contract sections 4 to 7: random
 * sequences of changing models, requests one by one and many at once, time steps and refreshes.
 * Which models are asked, in which order, and how the request ends must be as described; what
 * differs is reported with seed and step.
 */
final class FallbackProperties {
  private static final int SEEDS = 20;
  private static final int STEPS = 500;
  private static final int MODELS = 6;
  private static final int MAX_ATTEMPTS = 3;
  private static final int AT_ONCE = 6;
  private static final Duration ERROR = Duration.ofSeconds(20);
  private static final Duration LONGEST = Duration.ofMinutes(1);
  private static final Duration RATE_LIMIT = Duration.ofMinutes(5);
  private static final Duration REFRESH = Duration.ofDays(1);
  private static final Pattern COUNTED =
      Pattern.compile("(?m)^freellm_requests_total\\{.*} ([0-9.E]+)$");

  /** What a model does with every request. */
  private enum Kind {
    GOOD,
    RATE_LIMITED,
    RATE_LIMITED_WITH_HINT,
    ACCOUNT_LIMITED,
    FAILING,
    CUT,
    HTML,
    EMPTY,
    GONE,
    BREAKING;

    Behaviour behaviour() {
      Map<String, String> hint =
          Map.of("content-type", "application/json", "retry-after", "" + HINT.toSeconds());
      return switch (this) {
        case GOOD -> ChatAnswer.standard();
        case RATE_LIMITED -> Faults.error(429, "Provider returned error");
        case RATE_LIMITED_WITH_HINT -> Faults.status(429, hint, error(429, "slow down"));
        case ACCOUNT_LIMITED ->
            Faults.status(429, hint, error(429, "Rate limit exceeded: free-models-per-day. "));
        case FAILING -> Faults.error(500, "oops");
        case CUT -> ChatAnswer.standard().upTo(0, new Step.Fin());
        case HTML -> Faults.html(200);
        case EMPTY -> ChatAnswer.empty();
        case GONE -> Faults.error(404, "No endpoints found for this model.");
        case BREAKING ->
            ChatAnswer.standard()
                .upTo(4, new Step.Write(Events.error(502).getBytes(UTF_8)), new Step.Fin());
      };
    }

    /** Of those that never reach a client: a 500, and a connection that was lost. */
    boolean isWorthASecondCall() {
      return this == FAILING || this == CUT || this == BREAKING;
    }

    private static String error(int code, String message) {
      return "{\"error\":{\"code\":" + code + ",\"message\":\"" + message + "\"}}";
    }
  }

  private static final Duration HINT = Duration.ofSeconds(100);

  /** What a bystander knows about one model. */
  private static final class Seen {
    private Kind kind = Kind.GOOD;
    private Instant until = Instant.MIN;
    private Instant probeFrom = Instant.MIN;
    private boolean isFirstGuess;
    private int failures;
    private int empties;

    void forget() {
      until = Instant.MIN;
      isFirstGuess = false;
      failures = 0;
      empties = 0;
    }

    boolean restsAt(Instant now) {
      return now.isBefore(until);
    }

    /** Whether the next call is the first one after a rest, or an early one. */
    boolean hasRested() {
      return !until.equals(Instant.MIN);
    }
  }

  private final FakeTime time = new FakeTime();
  private final Seen[] seen = Stream.generate(Seen::new).limit(MODELS).toArray(Seen[]::new);
  private Instant accountUntil = Instant.MIN;
  private Random random = new Random(0);
  private String where = "";
  private int requests;
  private boolean hasAskedEarly;

  static IntStream seeds() {
    return IntStream.range(0, SEEDS);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void asksAsTheContractSays(int seed) throws InterruptedException, ExecutionException {
    random = new Random(seed);
    try (var proxy =
            TestProxy.startAt(
                time,
                "MAX_FALLBACK_ATTEMPTS",
                "" + MAX_ATTEMPTS,
                "GENERIC_ERROR_COOLDOWN_SEC",
                "" + ERROR.toSeconds(),
                "MODELS_REFRESH_SEC",
                "" + REFRESH.toSeconds());
        ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
      proxy.sandbox().scriptList(Faults.status(200, list()));
      refresh(proxy);
      for (int step = 0; step < STEPS; step++) {
        where = "seed " + seed + ", step " + step;
        act(proxy, pool);
      }
      // Each request left exactly one record.
      assertThat(counted(proxy)).isEqualTo(requests);
    }
  }

  private static String list() {
    return IntStream.range(0, MODELS)
        .mapToObj(i -> "{\"id\":\"" + id(i) + "\",\"rank\":" + (i + 1) + "}")
        .reduce((a, b) -> a + "," + b)
        .map(models -> "{\"models\":[" + models + "]}")
        .orElseThrow();
  }

  private static String id(int model) {
    return "test/m" + model + ":free";
  }

  private void act(TestProxy proxy, ExecutorService pool)
      throws InterruptedException, ExecutionException {
    int die = random.nextInt(100);
    if (die < 40) {
      change(proxy);
    } else if (die < 80) {
      ask(proxy);
    } else if (die < 94) {
      time.advance(Duration.ofSeconds(1 + random.nextInt(200)));
    } else if (die < 98) {
      askAtOnce(proxy, pool);
    } else {
      refresh(proxy);
    }
  }

  private void change(TestProxy proxy) {
    int model = random.nextInt(MODELS);
    Kind[] kinds = Kind.values();
    Kind kind = random.nextInt(3) == 0 ? Kind.GOOD : kinds[random.nextInt(kinds.length)];
    seen[model].kind = kind;
    proxy.sandbox().script(id(model), kind.behaviour());
  }

  private void refresh(TestProxy proxy) {
    HttpResponse<String> refreshed = proxy.refresh();
    assertThat(refreshed.statusCode()).as(where).isEqualTo(200);
    Arrays.stream(seen).forEach(Seen::forget);
    accountUntil = Instant.MIN;
  }

  private void ask(TestProxy proxy) {
    boolean stream = random.nextBoolean();
    String expected = expected(stream);
    proxy.sandbox().clearReceived();
    requests++;
    HttpResponse<String> answer = stream ? proxy.stream() : proxy.chat();
    List<String> called = proxy.sandbox().received().stream().map(ReceivedRequest::model).toList();
    assertThat(called + " " + ending(answer, stream)).as(where).isEqualTo(expected);
    assertThat(answer.headers().firstValue("x-free-llm-proxy-attempts"))
        .as(where)
        .hasValue("" + called.size());
  }

  /** Who must be asked and how it must end; notes what follows for the next requests. */
  private String expected(boolean stream) {
    var calls = new ArrayList<String>();
    String ending = null;
    boolean allEmpty = true;
    Instant now = time.instant();
    var asked = new HashSet<Integer>();
    hasAskedEarly = false;
    if (now.isBefore(accountUntil)) {
      ending = accountHeld(now);
    }
    while (ending == null && calls.size() < MAX_ATTEMPTS) {
      int next = next(asked, MAX_ATTEMPTS - calls.size(), now);
      if (next < 0) {
        break;
      }
      asked.add(next);
      boolean wasProbe = seen[next].hasRested();
      calls.add(id(next));
      allEmpty &= seen[next].kind == Kind.EMPTY;
      ending = asked(next, stream, now);
      boolean isLastCall = MAX_ATTEMPTS - calls.size() == 1;
      boolean isRepeated =
          ending == null
              && !wasProbe
              && calls.size() < MAX_ATTEMPTS
              && seen[next].kind.isWorthASecondCall()
              && !(isLastCall && isSomebodyAwake(asked, now));
      if (isRepeated) {
        // It fails again, which is the same incident.
        calls.add(id(next));
      }
    }
    if (ending == null) {
      boolean allAsked = calls.size() == Math.min(MODELS, MAX_ATTEMPTS);
      boolean emptyIsPassedOn = allEmpty && allAsked;
      ending = emptyIsPassedOn ? "200 " + calls.getLast() : "503";
    }
    return calls + " " + ending;
  }

  /** Who is asked next; negative for nobody. */
  private int next(Set<Integer> asked, int callsLeft, Instant now) {
    int due = -1;
    for (int i = 0; i < MODELS; i++) {
      Seen model = seen[i];
      if (asked.contains(i)) {
        continue;
      }
      if (!model.restsAt(now)) {
        hasAskedEarly |= due >= 0;
        return due >= 0 ? due : i;
      }
      boolean isDue = !hasAskedEarly && callsLeft > 1 && !now.isBefore(model.probeFrom);
      due = due < 0 && isDue ? i : due;
    }
    int lastResort =
        hasAskedEarly
            ? -1
            : IntStream.range(0, MODELS)
                .filter(i -> !asked.contains(i) && seen[i].isFirstGuess)
                .findFirst()
                .orElse(-1);
    hasAskedEarly = true;
    return lastResort;
  }

  private boolean isSomebodyAwake(Set<Integer> asked, Instant now) {
    return IntStream.range(0, MODELS).anyMatch(i -> !asked.contains(i) && !seen[i].restsAt(now));
  }

  /** Up to a minute a client waits, longer it stops. */
  private String accountHeld(Instant now) {
    return accountUntil.isAfter(now.plusSeconds(60)) ? "402" : "429";
  }

  private @Nullable String asked(int i, boolean stream, Instant now) {
    Seen model = seen[i];
    switch (model.kind) {
      case GOOD -> {
        model.forget();
        return "200 " + id(i);
      }
      case ACCOUNT_LIMITED -> {
        accountUntil = now.plus(HINT);
        return accountHeld(now);
      }
      case BREAKING -> {
        if (stream) {
          // It began to answer, which ended the rest it had.
          model.until = Instant.MIN;
        }
        failed(model, now);
        return stream ? "broken " + id(i) : null;
      }
      case EMPTY -> {
        if (++model.empties == 3) {
          failed(model, now);
        }
      }
      case RATE_LIMITED -> {
        boolean isFirst = !model.hasRested() && model.failures == 0;
        rest(model, now.plus(RATE_LIMIT));
        model.isFirstGuess = isFirst;
      }
      case RATE_LIMITED_WITH_HINT -> rest(model, now.plus(HINT));
      case GONE -> rest(model, now.plus(Duration.ofHours(24)));
      case FAILING, CUT, HTML -> failed(model, now);
    }
    return null;
  }

  private static void failed(Seen model, Instant now) {
    boolean isFirst = !model.hasRested() && model.failures == 0;
    model.failures++;
    Duration doubled = ERROR.multipliedBy(1L << Math.min(model.failures - 1, 10));
    rest(model, now.plus(doubled.compareTo(LONGEST) < 0 ? doubled : LONGEST));
    Instant soon = now.plusSeconds(30);
    model.probeFrom = soon.isBefore(model.until) ? soon : model.until;
    model.isFirstGuess = isFirst;
  }

  private static void rest(Seen model, Instant until) {
    model.until = until;
    model.probeFrom = until;
    model.isFirstGuess = false;
    model.empties = 0;
  }

  private String ending(HttpResponse<String> answer, boolean stream) {
    String model = answer.headers().firstValue("x-free-llm-proxy-model").orElse("");
    if (answer.statusCode() != 200) {
      String says = answer.statusCode() == 402 ? "x-should-retry" : "retry-after";
      assertThat(answer.headers().firstValue(says)).as(where).isPresent();
      return "" + answer.statusCode();
    }
    if (!stream) {
      return "200 " + model;
    }
    assertThat(answer.body()).as(where).endsWith(Events.DONE).containsOnlyOnce("[DONE]");
    if (answer.body().contains("data: {\"error\"")) {
      assertThat(answer.body()).as(where).containsOnlyOnce("data: {\"error\"");
      return "broken " + model;
    }
    return "200 " + model;
  }

  /** Who meets whom is left to chance, so only what must hold for all of them is looked at. */
  private void askAtOnce(TestProxy proxy, ExecutorService pool)
      throws InterruptedException, ExecutionException {
    proxy.sandbox().clearReceived();
    var running = new ArrayList<Future<HttpResponse<String>>>();
    boolean stream = random.nextBoolean();
    for (int i = 0; i < AT_ONCE; i++) {
      String body = "{\"stream\":" + stream + ",\"messages\":[],\"user\":\"u" + i + "\"}";
      running.add(pool.submit(() -> proxy.post(body)));
    }
    for (Future<HttpResponse<String>> each : running) {
      ending(each.get(), stream);
    }
    requests += AT_ONCE;
    List<ReceivedRequest> received = proxy.sandbox().received();
    List<String> resting = resting(time.instant());
    for (int i = 0; i < AT_ONCE; i++) {
      String user = "\"u" + i + "\"";
      List<String> called =
          received.stream()
              .filter(request -> request.text().contains(user))
              .map(ReceivedRequest::model)
              .toList();
      assertThat(called).as(where).hasSizeLessThanOrEqualTo(MAX_ATTEMPTS);
      // One that rests may be asked early.
      assertThat(called.stream().filter(resting::contains)).as(where).hasSizeLessThanOrEqualTo(1);
    }
    refresh(proxy);
  }

  /**
   * Those that rest whoever is asked; one that answers wakes as soon as another request asks it.
   */
  private List<String> resting(Instant now) {
    return IntStream.range(0, MODELS)
        .filter(i -> now.isBefore(seen[i].until) || now.isBefore(accountUntil))
        .filter(i -> seen[i].kind != Kind.GOOD && seen[i].kind != Kind.BREAKING)
        .mapToObj(FallbackProperties::id)
        .toList();
  }

  private static long counted(TestProxy proxy) {
    Matcher line = COUNTED.matcher(proxy.settledMetrics());
    double all = 0;
    while (line.find()) {
      all += Double.parseDouble(line.group(1));
    }
    return Math.round(all);
  }
}

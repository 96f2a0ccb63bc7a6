package freellmproxy.exchange;

import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import freellmproxy.config.Secret;
import freellmproxy.config.Settings;
import freellmproxy.routing.AccountRest;
import freellmproxy.time.Time;
import freellmproxy.upstream.Allowance;
import freellmproxy.upstream.Outcome;
import freellmproxy.upstream.ReplyClassifier;
import freellmproxy.upstream.UpstreamReply.Fault;
import freellmproxy.upstream.Verdict;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a client is told when no model could answer: what, why and until when. */
final class Refusals {
  private static final DateTimeFormatter CLOCK =
      DateTimeFormatter.ofPattern("HH:mm", Locale.ROOT).withZone(ZoneOffset.UTC);

  private static final String FIRST_BACK = "The first is back in %d s.";
  private static final String ASK_AGAIN = "Ask again in %d s.";

  /** Long enough for a name server or a router to come back, short enough to be sat out. */
  private static final Duration UNREACHABLE = Duration.ofSeconds(5);

  private Refusals() {}

  static ApiError noCapableModel(Collection<String> missing) {
    return ApiError.badRequest(
        "no_capable_model",
        "No free model on the list supports what this request needs: %s. Leave it out, or try again after the list has changed."
            .formatted(String.join(", ", missing)),
        null);
  }

  /**
   * Nobody was asked.
   *
   * @param causes why each of those rests that do
   */
  static ApiError allResting(int capable, List<String> causes, Duration wait) {
    return unavailable(
        "%d free model(s) could answer this request, but all of them rest after failures%s.%s"
            .formatted(
                capable, causes.isEmpty() ? "" : ": " + counted(causes), advice(causes.stream())),
        new Retry.After(wait),
        FIRST_BACK);
  }

  /**
   * Nobody answered.
   *
   * @param causes why each of the others rests
   */
  static ApiError allFailed(List<AttemptRecord> attempts, List<String> causes, Duration wait) {
    Map<Outcome, List<String>> reasons =
        attempts.stream()
            .collect(
                Collectors.groupingBy(
                    AttemptRecord::outcome,
                    () -> new EnumMap<>(Outcome.class),
                    Collectors.mapping(AttemptRecord::reason, Collectors.toList())));
    String failures =
        reasons.entrySet().stream()
            .map(each ->
                "%d × %s (%s)"
                    .formatted(
                        each.getValue().size(), each.getKey().label(), counted(each.getValue())))
            .collect(Collectors.joining(", "));
    String others =
        causes.isEmpty() ? "" : " %d more rest: %s.".formatted(causes.size(), counted(causes));
    Stream<String> told =
        Stream.concat(attempts.stream().map(AttemptRecord::reason), causes.stream());
    return unavailable(
        "None of the %d free model(s) tried gave an answer: %s.%s%s"
            .formatted(attempts.size(), failures, others, advice(told)),
        new Retry.After(wait),
        FIRST_BACK);
  }

  /**
   * No request has reached a model.
   *
   * @param detail what is known of it besides, null for nothing
   */
  static ApiError notReached(
      Verdict.NotReached verdict, @Nullable String detail, Settings.Upstream upstream) {
    String known = detail == null ? "" : ": " + detail;
    return switch (verdict.obstacle()) {
      case NO_CONNECTION ->
          unavailable(
              "No model could be asked, since no connection to the upstream stands%s. No model rests because of it."
                  .formatted(detail == null ? " (" + verdict.reason() + ")" : known),
              new Retry.After(UNREACHABLE),
              ASK_AGAIN);
      case BARRED ->
          unavailable(
              "No model could be asked, since something on the way to the upstream lets nothing through: it answered %d%s. A company's proxy (HTTPS_PROXY), a firewall or an edge server does that. No model rests because of it."
                  .formatted(verdict.status(), known),
              new Retry.After(UNREACHABLE),
              ASK_AGAIN);
      case NO_API ->
          new ApiError(
              502,
              "proxy_misconfiguration",
              "upstream_wrong_path",
              "There is no chat API at %s/chat/completions: it answered %d%s. Check UPSTREAM_BASE_URL: it ends before /chat/completions, mostly in /v1; OpenRouter's is https://openrouter.ai/api/v1. A network that wants a login first answers everything with a page too."
                  .formatted(shown(upstream.baseUrl()), verdict.status(), known),
              null,
              Retry.POINTLESS);
    };
  }

  /** Without what may be a login. */
  private static String shown(URI url) {
    return url.getScheme()
        + "://"
        + url.getRawAuthority().replaceFirst(".*@", "")
        + url.getRawPath();
  }

  /** Most frequent first. */
  private static String counted(List<String> causes) {
    Map<String, Long> counts =
        causes.stream()
            .collect(
                Collectors.groupingBy(cause -> cause, LinkedHashMap::new, Collectors.counting()));
    return counts.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .map(cause -> cause.getValue() + " × " + cause.getKey())
        .collect(Collectors.joining(", "));
  }

  /** What the operator can change, where one of the causes is of that kind. */
  private static String advice(Stream<String> causes) {
    return causes.anyMatch(ReplyClassifier::isBlockedByAccount)
        ? " " + ReplyClassifier.PRIVACY_ADVICE + "."
        : "";
  }

  /** A hold that a client sits out is a rate limit; a longer one has to stop it. */
  static ApiError accountLimited(AccountRest rest, Time time) {
    Duration wait = Duration.between(time.steady(), rest.until());
    Instant now = time.instant();
    return wait.compareTo(Retry.LONGEST_WAIT) <= 0
        ? accountRateLimited(rest.allowance(), new Retry.After(wait))
        : accountQuotaExceeded(rest.allowance(), reset(rest, now.plus(wait), now), now);
  }

  private static ApiError accountRateLimited(Allowance allowance, Retry.After after) {
    return new ApiError(
        429,
        "rate_limit_error",
        "account_rate_limited",
        "The OpenRouter account behind this proxy has used up its %s. All free models share that limit; it is back in %d s."
            .formatted(limit(allowance), after.seconds()),
        null,
        after);
  }

  /**
   * Every word of it was tried (decision 0046): agents that find "429", "rate_limit", "exhausted"
   * or "try again" in it ask again and again, and Qwen Code stops after "quota", "exceeded" and
   * "will reset".
   */
  private static ApiError accountQuotaExceeded(Allowance allowance, Instant reset, Instant now) {
    return new ApiError(
        402,
        "insufficient_quota",
        "account_quota_exceeded",
        "The OpenRouter account behind this proxy has exceeded its quota of %s. All free models share it, and failed requests count. It will reset at %s UTC (in %s). %s"
            .formatted(
                limit(allowance),
                CLOCK.format(reset.plusSeconds(59)),
                inWords(Duration.between(now, reset)),
                remedy(allowance)),
        null,
        Retry.POINTLESS);
  }

  /** Where the upstream gave no time, a day's requests are back at midnight (docs/upstream.md). */
  private static Instant reset(AccountRest rest, Instant end, Instant now) {
    return rest.isGuess() && rest.allowance() == Allowance.DAY
        ? now.truncatedTo(ChronoUnit.DAYS).plus(1, ChronoUnit.DAYS)
        : end;
  }

  private static String limit(Allowance allowance) {
    return switch (allowance) {
      case MINUTE -> "20 free requests a minute";
      case DAY -> "free requests a day (50, or 1000 once 10 credits were bought)";
      case UNSAID -> "free requests (20 a minute; 50 a day, or 1000 once 10 credits were bought)";
    };
  }

  private static String remedy(Allowance allowance) {
    return switch (allowance) {
      case MINUTE -> "Fewer requests at the same time help.";
      case DAY, UNSAID ->
          "10 credits bought once at openrouter.ai/settings/credits raise it for good.";
    };
  }

  /** Hours and minutes, rounded up. */
  private static String inWords(Duration wait) {
    Duration rounded = wait.plusMinutes(1).minusNanos(1);
    return rounded.toHours() == 0
        ? rounded.toMinutes() + " min"
        : rounded.toHours() + " h " + rounded.toMinutesPart() + " min";
  }

  static ApiError keyRefused(Secret key) {
    return new ApiError(
        502,
        "proxy_misconfiguration",
        "upstream_auth_error",
        "The upstream refused the proxy's own key. Check OPENROUTER_API_KEY, which is "
            + key.tail()
            + ", at openrouter.ai/settings/keys; then mend it in .env and POST /admin/reload, or"
            + " restart the proxy.",
        null,
        Retry.POINTLESS);
  }

  /**
   * The key may spend no more. Not 403, which clients take for a fault of the key that they
   * themselves were given.
   */
  static ApiError keyLimited(Secret key) {
    return new ApiError(
        402,
        "proxy_misconfiguration",
        "key_limit_exceeded",
        "OPENROUTER_API_KEY, which is "
            + key.tail()
            + ", has reached its own spending limit. Raise or remove that limit at"
            + " openrouter.ai/settings/keys, or use another key.",
        null,
        Retry.POINTLESS);
  }

  /** The account may spend no more. */
  static ApiError balanceSpent(Secret key) {
    return new ApiError(
        402,
        "proxy_misconfiguration",
        "insufficient_balance",
        "The OpenRouter account behind OPENROUTER_API_KEY, which is "
            + key.tail()
            + ", has no balance left; with a negative one free models refuse too. Add credits at"
            + " openrouter.ai/settings/credits.",
        null,
        Retry.POINTLESS);
  }

  /**
   * With what the upstream itself said.
   *
   * @param words null when nothing is to be quoted
   */
  static ApiError quoting(ApiError error, @Nullable String words) {
    return words == null
        ? error
        : new ApiError(
            error.status(),
            error.type(),
            error.code(),
            error.message() + " The upstream said: " + words,
            error.param(),
            error.retry());
  }

  static ApiError overloaded(Verdict.ProxyOverloaded verdict) {
    return verdict.fault() == Fault.NO_MEMORY
        ? outOfMemory()
        : ApiError.overloaded(
            "The proxy has as many connections open as the system lets it. Ask again in a moment,"
                + " or let it have more: ulimit -n.");
  }

  static ApiError outOfMemory() {
    return ApiError.overloaded(
        "Other answers, which their clients have not read yet, fill the memory for them. Ask again"
            + " in a moment, or give the proxy more: JAVA_OPTS='-Xmx1g"
            + " -XX:MaxDirectMemorySize=1g'.");
  }

  static ApiError shuttingDown() {
    return unavailable(
        "The proxy is shutting down.",
        new Retry.After(Duration.ofSeconds(1)),
        "Try again in %d s.");
  }

  private static ApiError unavailable(String message, Retry.After after, String when) {
    return new ApiError(
        503,
        "service_unavailable",
        "all_models_unavailable",
        message + " " + when.formatted(after.seconds()),
        null,
        after);
  }
}

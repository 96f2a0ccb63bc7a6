package freellmproxy.exchange;

import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import freellmproxy.config.Secret;
import freellmproxy.upstream.Outcome;
import freellmproxy.upstream.UpstreamReply.Fault;
import freellmproxy.upstream.Verdict;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What a client is told when no model could answer: what, why and until when. */
final class Refusals {
  private Refusals() {}

  static ApiError noCapableModel(Collection<String> missing) {
    return ApiError.badRequest(
        "no_capable_model",
        "No free model on the list supports what this request needs: %s. Leave it out, or try again after the list has changed."
            .formatted(String.join(", ", missing)),
        null);
  }

  static ApiError allResting(int capable, Duration wait) {
    return unavailable(
        "%d free model(s) could answer this request, but all of them are resting after failures."
            .formatted(capable),
        wait);
  }

  static ApiError allFailed(List<AttemptRecord> attempts, Duration wait) {
    Map<Outcome, Long> causes =
        attempts.stream()
            .collect(
                Collectors.groupingBy(
                    AttemptRecord::outcome,
                    () -> new EnumMap<>(Outcome.class),
                    Collectors.counting()));
    String counted =
        causes.entrySet().stream()
            .map(cause -> cause.getValue() + " × " + cause.getKey().label())
            .collect(Collectors.joining(", "));
    return unavailable(
        "None of the %d free model(s) tried gave an answer: %s."
            .formatted(attempts.size(), counted),
        wait);
  }

  static ApiError accountLimited(Duration wait) {
    var after = new Retry.After(wait);
    return new ApiError(
        429,
        "rate_limit_error",
        "account_rate_limited",
        "The OpenRouter account behind this proxy has used up its free requests (20 a minute; 50 a"
            + " day, or 1000 after 10 credits were ever bought). All free models share that limit;"
            + " it is back in "
            + after.seconds()
            + " s.",
        null,
        after);
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
    return unavailable("The proxy is shutting down.", Duration.ofSeconds(1));
  }

  private static ApiError unavailable(String message, Duration wait) {
    var after = new Retry.After(wait);
    return new ApiError(
        503,
        "service_unavailable",
        "all_models_unavailable",
        message + " Try again in " + after.seconds() + " s.",
        null,
        after);
  }
}

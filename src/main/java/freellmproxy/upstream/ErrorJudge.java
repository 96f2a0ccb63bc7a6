package freellmproxy.upstream;

import freellmproxy.chat.Providers;
import freellmproxy.upstream.ErrorBody.Form;
import freellmproxy.upstream.Rest.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What one error of the upstream means. Each method is a list of early returns in the order in
 * which the words have to be looked for: those that are part of another's come first. Pure.
 */
final class ErrorJudge {
  /** Of a model that the account's settings leave out. */
  static final String ACCOUNT_SETTINGS = "blocked_by_privacy_settings";

  /** As it came, for the client to see. */
  private final int answered;

  /** What it means. */
  private final int status;

  private final ErrorBody error;
  private final ReplyHeaders headers;
  private final Providers providers;
  private final Instant now;
  private final String text;

  ErrorJudge(
      int answered, ErrorBody error, ReplyHeaders headers, Providers providers, Instant now) {
    this.answered = answered;
    this.status = statusMeant(answered, error);
    this.error = error;
    this.headers = headers;
    this.providers = providers;
    this.now = now;
    this.text = error.text();
  }

  /** A gateway's 400 says less than the code that it passes on; a rate limit comes under any. */
  private static int statusMeant(int answered, ErrorBody error) {
    if (error.isNamed(ErrorPhrases.RATE_LIMIT_CODES)) {
      return 429;
    }
    if (answered / 100 == 4 && error.isNamed(ErrorPhrases.OVERLOAD_CODES)) {
      return 503;
    }
    int named = error.status().orElse(answered);
    boolean isMeant = named == 429 || answered == 400 || (answered / 100 == 4 && named >= 500);
    return isMeant ? named : answered;
  }

  Verdict judge() {
    Optional<Verdict> available = judgeAvailability();
    if (available.isPresent()) {
      return available.get();
    }
    if (isNoApi()) {
      return notReached(Obstacle.NO_API, "no_api_there");
    }
    return switch (status) {
      case 429 -> judge429();
      case 503 -> failed(Outcome.UPSTREAM_ERROR, hinted(Kind.ERROR), "unavailable");
      case 401, 403 -> judgeAccess();
      case 402 -> judgePayment();
      case 408 -> failed(Outcome.UPSTREAM_ERROR, new Rest(Kind.ERROR, null), "timeout");
      default -> status / 100 == 4 ? judgeRefusal() : judgeServerError();
    };
  }

  /** The upstream's own classification, where it gives one that is known. */
  private Optional<Verdict> judgeAvailability() {
    String code = error.availabilityCode();
    return Optional.ofNullable(
        switch (code) {
          case "model_not_found",
              "wrong_endpoint",
              "no_endpoints",
              "model_deprecated",
              "model_unavailable_upstream",
              "free_variant_ended" ->
              unavailable(code);
          case "region_restricted" -> blocked(code, null);
          case "privacy_restricted" -> blockedByAccount();
          case "constraint_filtered" -> unfit(Mismatch.filteredBy(error.excludedBy()), code);
          case "capacity_exhausted" -> failed(Outcome.RATE_LIMITED, hinted(Kind.RATE_LIMIT), code);
          case "temporarily_unavailable" ->
              failed(Outcome.UPSTREAM_ERROR, hinted(Kind.ERROR), code);
          default -> null;
        });
  }

  /**
   * A redirect, a page, or the words of a server that knows no such path: the upstream's own API
   * answers in JSON, whatever is wrong.
   */
  private boolean isNoApi() {
    if (status / 100 == 3) {
      return true;
    }
    return switch (status) {
      case 400, 410 -> error.form() == Form.PAGE;
      case 404, 405 ->
          error.form() == Form.PAGE
              || (!isOfHost() && ErrorPhrases.noSuchPath(text, error.hasCode()));
      default -> ErrorPhrases.unknownEndpoint(text);
    };
  }

  private Verdict notReached(Obstacle obstacle, String rule) {
    String location = status / 100 == 3 ? headers.first("location") : null;
    // A query may have a key in it.
    String why = location == null ? "" : "it redirects to " + location.split("[?#]", 2)[0];
    return new Verdict.NotReached(obstacle, answered, reason(rule), why);
  }

  private Verdict judge429() {
    Allowance limit = freeTierLimit();
    return limit == null
        ? failed(Outcome.RATE_LIMITED, hinted(Kind.RATE_LIMIT), "rate_limited")
        : new Verdict.AccountLimited(limit, hint().orElse(null), reason("free_tier_limit"));
  }

  /** The field decides where there is one; the phrase is for bodies from before the field. */
  private @Nullable Allowance freeTierLimit() {
    String source = error.limitSource();
    if (!source.isEmpty() && !source.startsWith("openrouter_free_tier")) {
      return null;
    }
    if (source.endsWith("per_minute") || text.contains(ErrorPhrases.FREE_PER_MINUTE)) {
      return Allowance.MINUTE;
    }
    if (source.endsWith("daily") || text.contains(ErrorPhrases.FREE_PER_DAY)) {
      return Allowance.DAY;
    }
    return source.isEmpty() ? null : Allowance.UNSAID;
  }

  /** 401 and 403: about the prompt, the model, the account, the way there, or the key. */
  private Verdict judgeAccess() {
    // Before the gates: a moderation message names the model too.
    if (error.has("flagged_input") || error.has("reasons") || says(ErrorPhrases.MODERATION)) {
      return new Verdict.ClientError(answered, reason("moderation"));
    }
    boolean isGate =
        error.failedRoutingStep().startsWith("Gate")
            || error.has("missing_attestation_types")
            || says(ErrorPhrases.GATE);
    if (isGate) {
      return unavailable("gated");
    }
    if (says(ErrorPhrases.REGION)) {
      return blocked("region_restricted", null);
    }
    boolean isOfHost = isOfHost();
    if (!isOfHost && (says(ErrorPhrases.KEY_LIMIT) || says(ErrorPhrases.BALANCE))) {
      return accountBlocked();
    }
    if (says(ErrorPhrases.RATE_LIMIT)) {
      return judge429();
    }
    if (isOfHost) {
      return says(ErrorPhrases.CONTENT_REFUSED) ? hostRefused(null) : hostBarred();
    }
    boolean isNoApi =
        error.form() == Form.PAGE
            || (error.form() == Form.TEXT && status == 403 && !ErrorPhrases.nameKey(text));
    if (isNoApi) {
      return notReached(Obstacle.BARRED, "blocked_on_the_way");
    }
    return ErrorPhrases.refuseModel(text)
        ? unavailable("model_refused")
        : new Verdict.KeyRefused(reason(status == 401 ? "unauthorized" : "forbidden"));
  }

  /** It let OpenRouter's own key not in. The client would take that for a fault of its key. */
  private Verdict hostBarred() {
    return providers == Providers.CHOSEN
        ? unfit(new Unfit.Parameters(), "host_refused")
        : unavailable("host_refused");
  }

  /** A host whose own account is empty is not the operator's business. */
  private Verdict judgePayment() {
    return isOfHost() ? hostRefused(Kind.UNTIL_REFRESH) : accountBlocked();
  }

  private Verdict accountBlocked() {
    return says(ErrorPhrases.KEY_LIMIT)
        ? new Verdict.AccountBlocked(AccountLimit.KEY, reason("key_limit"))
        : new Verdict.AccountBlocked(AccountLimit.BALANCE, reason("balance"));
  }

  /** 400, 404 and their kin: about the model, about the two together, or about the request. */
  private Verdict judgeRefusal() {
    if (error.form() == Form.PAGE) {
      return notReached(Obstacle.BARRED, "blocked_on_the_way");
    }
    if (isAboutContext()) {
      return contextTooLong(answered);
    }
    if (says(ErrorPhrases.REGION)) {
      return blocked("region_restricted", null);
    }
    boolean isBlockedByAccount =
        error.failedRoutingStep().contains("Data Policy")
            || error.failedRoutingStep().contains("Guardrail")
            || says(ErrorPhrases.ACCOUNT_SETTINGS);
    if (isBlockedByAccount) {
      return blockedByAccount();
    }
    Unfit unfit = Mismatch.saidIn(text);
    if (unfit != null) {
      return unfit(
          providers == Providers.CHOSEN ? new Unfit.Parameters() : unfit, "cannot_serve_request");
    }
    if (status != 404 && says(ErrorPhrases.RATE_LIMIT)) {
      return judge429();
    }
    // Behind the phrases above, which begin the same way.
    if (error.isNamed(ErrorPhrases.GONE_CODES) || ErrorPhrases.modelGone(text)) {
      return unavailable("model_gone");
    }
    if (isOfHost()) {
      return hostRefused(status == 404 || status == 410 ? Kind.UNTIL_REFRESH : null);
    }
    return error.isNamed(ErrorPhrases.KEY_CODES) || says(ErrorPhrases.KEY_UNDER_400)
        ? new Verdict.KeyRefused(reason("key_refused"))
        : new Verdict.ClientError(answered, reason("client_error"));
  }

  /** Some hosts fail over a conversation that is too long instead of refusing it. */
  private Verdict judgeServerError() {
    return isAboutContext()
        ? contextTooLong(400)
        : failed(Outcome.UPSTREAM_ERROR, new Rest(Kind.ERROR, null), "server_error");
  }

  private boolean isAboutContext() {
    return error.isNamed(ErrorPhrases.CONTEXT_CODES) || ErrorPhrases.contextTooLong(text);
  }

  private Verdict contextTooLong(int forClient) {
    OptionalLong named = ErrorPhrases.window(text);
    var unfit = new Unfit.ContextTooLong(named.isPresent() ? named.getAsLong() : null);
    return new Verdict.ModelUnfit(forClient, unfit, reason("context_length_exceeded"));
  }

  private boolean isOfHost() {
    return error.isFromHost()
        || ErrorPhrases.anyIn(error.message().toLowerCase(Locale.ROOT), ErrorPhrases.HOST);
  }

  /**
   * The host that was asked refused.
   *
   * @param kind of its rest, null for none. Hosts that the request chose itself say nothing about
   *     the model
   */
  private Verdict hostRefused(@Nullable Kind kind) {
    Rest rest = kind == null || providers == Providers.CHOSEN ? null : new Rest(kind, null);
    return new Verdict.HostRefused(answered, rest, reason("host_refused"));
  }

  private boolean says(List<String> phrases) {
    return ErrorPhrases.anyIn(text, phrases);
  }

  private Optional<Duration> hint() {
    return RetryHint.from(headers, error, now);
  }

  private Rest hinted(Kind kind) {
    return new Rest(kind, hint().orElse(null));
  }

  /** By the account's settings, or by those that the request itself brings. */
  private Verdict blocked(String rule, @Nullable String advice) {
    return switch (providers) {
      case ANY -> unavailable(rule, advice);
      case CHOSEN -> unfit(new Unfit.Parameters(), rule);
    };
  }

  private Verdict blockedByAccount() {
    return blocked(ACCOUNT_SETTINGS, ReplyClassifier.PRIVACY_ADVICE);
  }

  private Verdict unavailable(String rule) {
    return unavailable(rule, null);
  }

  private Verdict unavailable(String rule, @Nullable String advice) {
    return new Verdict.ModelFailed(
        Outcome.MODEL_UNAVAILABLE,
        status,
        new Rest(Kind.UNTIL_REFRESH, null),
        reason(rule),
        advice);
  }

  private Verdict unfit(Unfit unfit, String rule) {
    return new Verdict.ModelUnfit(answered, unfit, reason(rule));
  }

  private Verdict failed(Outcome outcome, Rest rest, String rule) {
    return new Verdict.ModelFailed(outcome, status, rest, reason(rule), null);
  }

  /** Our own words only: the upstream's may quote the prompt. */
  private String reason(String rule) {
    return status + " " + rule;
  }
}

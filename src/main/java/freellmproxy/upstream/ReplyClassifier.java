package freellmproxy.upstream;

import freellmproxy.catalog.Capability;
import freellmproxy.chat.Providers;
import freellmproxy.chat.Requirements.Input;
import freellmproxy.upstream.Rest.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Everything known about the ways in which OpenRouter and its providers fail, in one place: what an
 * answer means (contract section 5, {@code docs/upstream.md} sections 1 to 3). Pure.
 *
 * <p>The evidence is read from the most to the least reliable: {@code availability.code}, then the
 * status, and within a status the fields of {@code metadata} before phrases of the message. What is
 * not known stays what its status says.
 */
public final class ReplyClassifier {
  private static final Pattern WINDOW =
      Pattern.compile("maximum context length is ([0-9]{1,12}) tokens");

  private static final String PRIVACY_ADVICE =
      "The OpenRouter account's privacy or guardrail settings block this model; see"
          + " openrouter.ai/settings/privacy";

  private final int status;
  private final ErrorBody error;
  private final ReplyHeaders headers;
  private final Providers providers;
  private final Instant now;
  private final String text;

  private ReplyClassifier(
      int status, ErrorBody error, ReplyHeaders headers, Providers providers, Instant now) {
    this.status = status;
    this.error = error;
    this.headers = headers;
    this.providers = providers;
    this.now = now;
    this.text = error.text();
  }

  /** Judges one whole answer of any status. */
  public static Verdict judgeAnswer(
      int status, ReplyHeaders headers, byte[] body, Providers providers, Instant now) {
    if (status / 100 != 2) {
      return new ReplyClassifier(status, ErrorBody.parse(body), headers, providers, now).judge();
    }
    ChatChunk answer = ChatChunk.ofAnswer(body);
    if (!answer.json) {
      return judgeFailure("unreadable_answer");
    }
    if (answer.isError()) {
      return judgeErrorOf200(headers, body, providers, now);
    }
    if (answer.isOutput() || (answer.isUseful() && answer.isCutShort())) {
      return new Verdict.Useful();
    }
    return new Verdict.Empty(answer.isUseful() ? "only_thinking" : "empty_answer");
  }

  /**
   * Judges an error that came with the status 200, as if the status that it names had come; without
   * one nobody but the model is at fault.
   *
   * @param headers those of the answer; with an error in the middle of a stream they say nothing
   *     about it
   * @param body the whole answer, or the data of one event
   */
  public static Verdict judgeErrorOf200(
      ReplyHeaders headers, byte[] body, Providers providers, Instant now) {
    ErrorBody error = ErrorBody.parse(body);
    int status = error.status().orElseGet(() -> statusOf(error));
    return new ReplyClassifier(status, error, headers, providers, now).judge();
  }

  private static int statusOf(ErrorBody error) {
    return switch (error.symbol().isEmpty() ? error.errorType() : error.symbol()) {
      case "rate_limit_exceeded" -> 429;
      case "context_length_exceeded" -> 400;
      default -> 502;
    };
  }

  /**
   * Judges a failure that came without an answer: no connection, no time left, an answer that broke
   * off.
   *
   * @param reason a short stable name for it
   */
  public static Verdict judgeFailure(String reason) {
    return new Verdict.ModelFailed(
        Outcome.UPSTREAM_ERROR, 0, new Rest(Kind.ERROR, null), reason, null);
  }

  /**
   * Judges an answer that broke off: by its head, where that says enough, otherwise as a failure.
   *
   * @param status 0 when not even a head came
   */
  public static Verdict judgeBrokenAnswer(
      int status, ReplyHeaders headers, String reason, Instant now) {
    return switch (status) {
      case 401, 429, 503 ->
          new ReplyClassifier(status, ErrorBody.NONE, headers, Providers.ANY, now).judge();
      default -> judgeFailure(reason);
    };
  }

  private Verdict judge() {
    Optional<Verdict> available = judgeAvailability();
    if (available.isPresent()) {
      return available.get();
    }
    return switch (status) {
      case 429 -> judge429();
      case 503 -> failed(Outcome.UPSTREAM_ERROR, hinted(Kind.ERROR), "unavailable");
      case 401 -> new Verdict.KeyRefused(reason("unauthorized"));
      case 403 -> judge403();
      case 400, 404, 413, 422 -> judgeRefusal();
      case 408 -> failed(Outcome.UPSTREAM_ERROR, new Rest(Kind.ERROR, null), "timeout");
      default ->
          status / 100 == 4
              ? new Verdict.ClientError(status, reason("client_error"))
              : failed(Outcome.UPSTREAM_ERROR, new Rest(Kind.ERROR, null), "server_error");
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
          case "region_restricted", "privacy_restricted" -> blocked(code);
          case "constraint_filtered" -> unfit(filteredBy(error.excludedBy()), code);
          case "capacity_exhausted" -> failed(Outcome.RATE_LIMITED, hinted(Kind.RATE_LIMIT), code);
          case "temporarily_unavailable" ->
              failed(Outcome.UPSTREAM_ERROR, hinted(Kind.ERROR), code);
          default -> null;
        });
  }

  private static Unfit filteredBy(String excludedBy) {
    return excludedBy.contains("context_length")
        ? new Unfit.ContextTooLong(null)
        : new Unfit.Parameters();
  }

  private Verdict judge429() {
    if (isAboutAccount()) {
      return new Verdict.AccountLimited(hint().orElse(null), reason("free_tier_limit"));
    }
    return failed(Outcome.RATE_LIMITED, hinted(Kind.RATE_LIMIT), "rate_limited");
  }

  /** The field decides where there is one; the phrase is for bodies from before the field. */
  private boolean isAboutAccount() {
    String source = error.limitSource();
    return source.isEmpty()
        ? text.contains("free-models-per-min") || text.contains("free-models-per-day")
        : source.startsWith("openrouter_free_tier");
  }

  private Verdict judge403() {
    // Before the gates: a moderation message names the model too.
    if (error.has("flagged_input") || error.has("reasons") || mentions("requires moderation on")) {
      return new Verdict.ClientError(status, reason("moderation"));
    }
    boolean isGate =
        error.failedRoutingStep().startsWith("Gate")
            || error.has("missing_attestation_types")
            || mentions("only available on agentic harnesses", "18+ age confirmation");
    if (isGate) {
      return unavailable("gated");
    }
    return mentions("location is not supported", "not available in your region")
        ? blocked("region_restricted")
        : new Verdict.KeyRefused(reason("forbidden"));
  }

  /** 400, 404 and their kin: about the model, about the two together, or about the request. */
  private Verdict judgeRefusal() {
    if (isAboutContext()) {
      return unfit(new Unfit.ContextTooLong(window()), "context_length_exceeded");
    }
    if (mentions("location is not supported")) {
      return blocked("region_restricted");
    }
    boolean isBlockedByAccount =
        error.failedRoutingStep().contains("Data Policy")
            || error.failedRoutingStep().contains("Guardrail")
            || mentions(
                "matching your data policy",
                "guardrail restrictions",
                "no allowed providers are available");
    if (isBlockedByAccount) {
      return blocked("account_settings");
    }
    Unfit unfit = unfitForRequest();
    if (unfit != null) {
      return unfit(
          providers == Providers.CHOSEN ? new Unfit.Parameters() : unfit, "cannot_serve_request");
    }
    // Behind the phrases above, which begin the same way.
    boolean isGone =
        mentions(
            "no endpoints found for ",
            "unavailable for free",
            "period has ended",
            "is not a valid model id");
    return isGone
        ? unavailable("model_gone")
        : new Verdict.ClientError(status, reason("client_error"));
  }

  private boolean isAboutContext() {
    return error.symbol().equals("context_length_exceeded")
        || error.errorType().equals("context_length_exceeded")
        || mentions("context_length_exceeded", "maximum context length is");
  }

  private @Nullable Long window() {
    Matcher matcher = WINDOW.matcher(text);
    return matcher.find() ? Long.valueOf(matcher.group(1)) : null;
  }

  private @Nullable Unfit unfitForRequest() {
    if (!mentions("no endpoints found")) {
      return null;
    }
    if (mentions("support tool use")) {
      return new Unfit.Lacks(Capability.TOOLS);
    }
    if (mentions("'tool_choice' value")) {
      return new Unfit.Lacks(Capability.TOOL_CHOICE);
    }
    if (mentions("support image input")) {
      return new Unfit.CannotRead(Input.IMAGE);
    }
    if (mentions("support audio input", "support input audio")) {
      return new Unfit.CannotRead(Input.AUDIO);
    }
    if (mentions("support file input")) {
      return new Unfit.CannotRead(Input.FILE);
    }
    return mentions(
            "can handle the requested parameters", "requested output modalities", "that support")
        ? new Unfit.Parameters()
        : null;
  }

  private boolean mentions(String... phrases) {
    return List.of(phrases).stream().anyMatch(text::contains);
  }

  private Optional<Duration> hint() {
    return RetryHint.from(headers, error, now);
  }

  private Rest hinted(Kind kind) {
    return new Rest(kind, hint().orElse(null));
  }

  /** By the account's settings, or by those that the request itself brings. */
  private Verdict blocked(String rule) {
    return switch (providers) {
      case ANY -> unavailable(rule, PRIVACY_ADVICE);
      case CHOSEN -> unfit(new Unfit.Parameters(), rule);
    };
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
    return new Verdict.ModelUnfit(status, unfit, reason(rule));
  }

  private Verdict failed(Outcome outcome, Rest rest, String rule) {
    return new Verdict.ModelFailed(outcome, status, rest, reason(rule), null);
  }

  /** Our own words only: the upstream's may quote the prompt. */
  private String reason(String rule) {
    return status + " " + rule;
  }
}

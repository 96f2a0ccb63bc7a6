package freellmproxy.upstream;

import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The words by which OpenRouter and the hosts behind it say what is wrong, each with who was seen
 * to use them under which status, and why not fewer of them ({@code docs/upstream.md} section 7).
 * All are looked for in lower case. Pure.
 */
final class ErrorPhrases {
  /**
   * Codes of a rate limit that come under another status: Groq 413 and OpenAI-like hosts 400
   * ({@code rate_limit_exceeded}), Anthropic ({@code rate_limit_error}), Mistral ({@code
   * rate_limited}), Google ({@code RESOURCE_EXHAUSTED}), Cerebras (the two quotas). Whole codes
   * only: {@code tool_rate_limit} is the name of a tool.
   */
  static final Set<String> RATE_LIMIT_CODES =
      Set.of(
          "rate_limit_exceeded",
          "rate_limit_error",
          "rate_limited",
          "ratelimitreached",
          "too_many_requests",
          "too_many_requests_error",
          "resource_exhausted",
          "request_quota_exceeded",
          "token_quota_exceeded");

  /**
   * The same in words: OpenRouter 403 "Rate limit exceeded", Groq 413 "on tokens per minute (TPM)",
   * hosts 400 "Too many requests". Not "limit exceeded" alone, which keys and prompts have too.
   */
  static final List<String> RATE_LIMIT =
      List.of(
          "rate limit exceeded",
          "rate limit reached",
          "rate-limited",
          "rate limited",
          "too many requests",
          "tokens per minute",
          "requests per minute");

  /**
   * Codes of a server's fault that come under a 4xx: Anthropic and OpenAI-like hosts 400, Groq 498
   * ({@code capacity_exceeded}).
   */
  static final Set<String> OVERLOAD_CODES =
      Set.of(
          "overloaded_error",
          "overloaded",
          "capacity_exceeded",
          "service_unavailable",
          "server_error",
          "internal_server_error");

  /** OpenRouter 429: "free-models-per-min" and "free-models-per-day", with an ending at times. */
  static final String FREE_PER_MINUTE = "free-models-per-min";

  /** The day's counterpart; "free-models" alone stands in advice too. */
  static final String FREE_PER_DAY = "free-models-per-day";

  /**
   * OpenRouter 400, 404, 5xx: it passes a host's refusal on. In its own message only, since what a
   * host says may quote anything. "Error from provider" is OpenCode's. Not "provider" alone: "No
   * allowed providers are available" is OpenRouter's own refusal.
   */
  static final List<String> HOST =
      List.of("provider returned error", "upstream error from", "error from provider");

  /**
   * OpenRouter 403 "Key limit exceeded (total limit)", 402 "create a key with a higher monthly
   * limit". Not "limit exceeded", which is a rate limit as well.
   */
  static final List<String> KEY_LIMIT = List.of("key limit", "create a key with a higher");

  /**
   * OpenRouter 402 "Insufficient credits", Kilo and OpenCode "Insufficient balance" (402, 401).
   * Whole phrases: advice to "add credits" stands in every notice of the daily limit.
   */
  static final List<String> BALANCE =
      List.of("insufficient credits", "insufficient balance", "requires more credits");

  /** OpenRouter 403: a moderation in front of the host refuses the prompt, naming the model. */
  static final List<String> MODERATION = List.of("requires moderation on");

  /**
   * A host's own refusal of the content: OpenAI and Azure ("content management policy"), Z.ai
   * ("sensitive content"), Alibaba ("inappropriate content"), Google ("safety"). It is about the
   * prompt, so the model must not rest for it. Not "content" alone, the name of a field.
   */
  static final List<String> CONTENT_REFUSED =
      List.of(
          "moderation",
          "content management policy",
          "content policy",
          "content_filter",
          "content filter",
          "sensitive content",
          "inappropriate content",
          "flagged",
          "safety");

  /** OpenRouter 403: gates in front of free models. */
  static final List<String> GATE =
      List.of("only available on agentic harnesses", "18+ age confirmation");

  /** Google 400 and 403 (also in {@code raw}), OpenRouter 403. "Location" alone is a field. */
  static final List<String> REGION =
      List.of("location is not supported", "not available in your region");

  /** OpenRouter 404: the account's settings leave no host. Begins as {@link #GONE} does. */
  static final List<String> ACCOUNT_SETTINGS =
      List.of(
          "matching your data policy",
          "guardrail restrictions",
          "no allowed providers are available");

  /**
   * OpenRouter 404 and 400: the model itself is gone. "No endpoints found for" with the last word,
   * since "No endpoints found that support" is about the request.
   */
  static final List<String> GONE =
      List.of(
          "no endpoints found for ",
          "unavailable for free",
          "period has ended",
          "promotion has ended",
          "is not a valid model id",
          "degraded function cannot be invoked",
          "reached its end of life");

  /**
   * Codes for the same: Groq, OpenAI, Hugging Face, LM Studio 400 and 404; Mistral 400; LLM7 400.
   */
  static final Set<String> GONE_CODES =
      Set.of(
          "model_not_found",
          "model_decommissioned",
          "model_not_supported",
          "model_unavailable",
          "model_terms_required",
          "invalid_model");

  /**
   * vLLM and Groq "The model `x` does not exist", Ollama "model "x" not found", OpenRouter 403
   * "Model is unavailable", "Model disabled". One id at most may stand between: in "the model says
   * that file a was not found" it is a file that was not. No "is not supported": "tools with this
   * model" are not supported either.
   */
  private static final Pattern MODEL_GONE =
      Pattern.compile(
          "\\b(?:models?/|model:? ?)(?:[`'\"]?[a-z0-9][a-z0-9._:/@-]{0,120}[`'\"]? )?"
              + "(?:does not exist|(?:is )?not found|(?:is|has been) (?:currently )?"
              + "(?:not available|unavailable|disabled|decommissioned|deprecated"
              + "|retired|removed)|disabled|unavailable)"
              + "|\\b(?:no such|unknown) model\\b");

  /**
   * 401 and 403 that name a model and nothing of {@link #KEY}: OpenAI-like hosts "You are not
   * allowed to use this model", Ollama Cloud "this model requires a subscription".
   */
  private static final String MODEL = "model";

  /**
   * 401 and 403 about the key: OpenRouter "No auth credentials found", "User not found", "Invalid
   * API key" everywhere, NVIDIA "Authorization failed", Z.ai "Authentication Token invalid".
   */
  private static final List<String> KEY =
      List.of("key", "credential", "token", "authoriz", "authentic", "user not found");

  /** OpenAI 403 and Groq 404: the key is good, but not for this model, though it may be named. */
  private static final Pattern NO_ACCESS_TO_MODEL =
      Pattern.compile("access to (?:the |this )?model");

  /** Codes of a bad key under 400: Google's {@code API_KEY_INVALID} has only the words. */
  static final Set<String> KEY_CODES = Set.of("invalid_api_key", "organization_restricted");

  /** Google 400 "API key not valid. Please pass a valid API key." */
  static final List<String> KEY_UNDER_400 = List.of("api key not valid");

  /** Codes of a conversation that is too long: OpenAI and its kin; llama.cpp 400. */
  static final Set<String> CONTEXT_CODES =
      Set.of("context_length_exceeded", "exceed_context_size_error");

  /**
   * A conversation that is too long, in words, under 400, 413 and 422, with some hosts 500:
   * OpenRouter, OpenAI, vLLM and Mistral "maximum context length" · OpenAI "exceeds the context
   * window", "input tokens exceed the configured limit" · Google "input token count (N) exceeds" ·
   * Anthropic "prompt is too long", "exceed context limit" · Bedrock "input is too long" ·
   * DeepInfra and Together "exceeds model's context length" · llama.cpp "exceeds the available
   * context size" · LM Studio "greater than the context length" · Ollama "longer than the context
   * length" · MiniMax "context window exceeds limit" · Groq and Cerebras "reduce the length of the
   * messages" · xAI "maximum prompt length is" · Moonshot "exceeded model token limit" · Z.ai
   * "prompt exceeds max length" · Alibaba "range of input length should be" · TGI "inputs tokens +
   * max_new_tokens must be <=".
   *
   * <p>Never "too long" or "exceeds" alone: "max_tokens exceeds 8192" is a cap on the answer, and a
   * field that is too long ({@code string_above_max_length}) fits no other model either.
   */
  private static final Pattern CONTEXT =
      Pattern.compile(
          "context_length_exceeded|maximum context (?:length|window|size)"
              + "|exceed\\w{0,3}\\b.{0,60}\\bcontext[ _-]?(?:length|limit|window|size)"
              + "|context[ _-]?(?:length|limit|window|size)\\b.{0,40}\\b(?:exceed|overflow)"
              + "|(?:longer|greater|larger) than .{0,30}context (?:length|window|size)"
              + "|\\b(?:prompt|input|conversation|messages) (?:is|are) too long"
              + "|\\b(?:prompt|inputs?)\\b.{0,20}\\btokens?\\b.{0,40}\\bexceed"
              + "|\\b(?:prompt|input)(?: length)? exceeds? (?:the )?max"
              + "|reduce the length of (?:the messages|the prompt|the input|your prompt|either one)"
              + "|maximum prompt length is|exceeded model token limit"
              + "|range of input length should be|`?inputs`? tokens \\+ `?max_new_tokens");

  /** Where a refusal names the window: the first number that is one. */
  private static final Pattern WINDOW =
      Pattern.compile(
          "(?:(?:maximum|max) (?:context|prompt) (?:length|window|size)(?: is| of|:)?(?: only)?"
              + "|context (?:length|window|size)(?: is| of|:)?(?: only)?"
              + "|number of tokens allowed|model token limit:?|limit (?:is|of)"
              + "|tokens >|[0-9] >|must be <=) ?\\(?([0-9][0-9,]{0,15})\\b"
              + "|\\b([0-9][0-9,]{0,15}) maximum context length");

  /**
   * OpenRouter 400 "Reasoning is mandatory for this endpoint and cannot be disabled." Its endpoints
   * are one host's offer of a model, so another has no such rule.
   */
  static final List<String> ENDPOINT_CANNOT = List.of("is mandatory for this endpoint");

  /**
   * Servers under 404 and 405 that know no such path: Go (Ollama) "404 page not found", FastAPI
   * (vLLM) "Not Found" and "Method Not Allowed", llama.cpp "File Not Found", Azure "Resource not
   * found", Express "Cannot POST /v1/x", OpenAI "Invalid URL (POST /v1/x)" and "Unknown request
   * URL", Kong "no Route matched with those values", Spring "No static resource v1/x". Nothing but
   * these words, since what was not found may be a model or a file of the request.
   */
  private static final Pattern NO_SUCH_PATH =
      Pattern.compile(
          "(?:404:? )?(?:page|resource|file|route|endpoint|path|url) not found[.!]?"
              + "|method not allowed[.!]?"
              + "|(?:cannot post|invalid url|unknown request url|unknown endpoint|no route matched"
              + "|no static resource|no handler found|request method 'post').{0,300}");

  /** FastAPI and others, without a code: OpenRouter's own 404 has one, and is about the request. */
  private static final Pattern NOT_FOUND = Pattern.compile("(?:404:? )?not found[.!]?");

  /** LM Studio 200: "Unexpected endpoint or method. (POST /x)". */
  private static final String UNEXPECTED_ENDPOINT = "unexpected endpoint or method";

  private ErrorPhrases() {}

  static boolean anyIn(String text, List<String> phrases) {
    return phrases.stream().anyMatch(text::contains);
  }

  /** Whether a refusal of access is about the model that was asked. */
  static boolean refuseModel(String text) {
    return modelGone(text)
        || NO_ACCESS_TO_MODEL.matcher(text).find()
        || (text.contains(MODEL) && !anyIn(text, KEY));
  }

  /** Whether a text that is no JSON is about the key all the same. */
  static boolean nameKey(String text) {
    return anyIn(text, KEY);
  }

  static boolean modelGone(String text) {
    return anyIn(text, GONE) || MODEL_GONE.matcher(text).find();
  }

  /**
   * Whether nothing is said but that there is no such path; or nothing at all.
   *
   * @param hasCode whether an API's code stands beside the text
   */
  static boolean noSuchPath(String text, boolean hasCode) {
    String said = text.strip();
    return NO_SUCH_PATH.matcher(said).matches()
        || unknownEndpoint(said)
        || (!hasCode && (said.isEmpty() || NOT_FOUND.matcher(said).matches()));
  }

  static boolean unknownEndpoint(String text) {
    return text.startsWith(UNEXPECTED_ENDPOINT);
  }

  static boolean contextTooLong(String text) {
    return CONTEXT.matcher(text).find();
  }

  /** Tokens that fit, as the text names them. */
  static OptionalLong window(String text) {
    Matcher matcher = WINDOW.matcher(text);
    if (!matcher.find()) {
      return OptionalLong.empty();
    }
    String number = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
    return OptionalLong.of(Long.parseLong(number.replace(",", "")));
  }
}

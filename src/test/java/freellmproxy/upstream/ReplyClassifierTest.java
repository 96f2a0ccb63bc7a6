package freellmproxy.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.chat.Providers;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Contract section 5 and {@code docs/upstream.md}, one row for each form an answer comes in. */
final class ReplyClassifierTest {
  private static final Instant NOW = Instant.parse("2026-04-04T12:00:00Z");
  private static final String LIMITED = "model rate_limit";
  private static final String BALANCE = "account balance";
  private static final String MEGABYTE = "x".repeat(1 << 20);

  static Stream<Arguments> answers() {
    return Stream.of(
        // Useful and empty answers.
        row(200, choice("\"content\":\"hi\""), "useful"),
        row(200, "\n\n     " + choice("\"content\":\"hi\""), "useful"),
        row(200, choice("\"content\":\"" + MEGABYTE + "\""), "useful"),
        row(200, choice("\"content\":null,\"reasoning\":\"hm\""), "empty"),
        row(200, choice("\"content\":\"\",\"refusal\":\"no\""), "useful"),
        row(200, choice("\"content\":null,\"tool_calls\":[{\"id\":\"1\"}]"), "empty"),
        row(
            200,
            choice("\"content\":null,\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]"),
            "useful"),
        row(
            200,
            "{\"choices\":[{\"message\":{\"reasoning\":\"hm\"},\"finish_reason\":\"length\"}]}",
            "useful"),
        row(200, "{\"choices\":[{\"text\":\"hi\"}]}", "empty"),
        row(200, "{\"error\":{},\"choices\":[{\"message\":{\"content\":\"a\"}}]}", "useful"),
        row(429, "{\"error\":{},\"message\":\"free-models-per-day\"}", "account"),
        row(200, choice("\"content\":\"\""), "empty"),
        row(200, choice("\"content\":null,\"tool_calls\":[]"), "empty"),
        row(200, "{\"choices\":[]}", "empty"),
        row(200, "{}", "empty"),
        row(201, choice("\"content\":\"hi\""), "useful"),
        // Answers nobody can read.
        row(200, "", "model error"),
        row(200, "   ", "model error"),
        row(200, "[]", "model error"),
        row(200, "\"hi\"", "model error"),
        row(200, "<html></html>", "model error"),
        row(200, choice("\"content\":\"hi\"") + "x", "model error"),
        row(200, "data: {\"choices\":[]}\n\n", "model error"),
        // Errors in a 200.
        row(200, "{\"error\":{\"code\":429,\"message\":\"slow\"}}", "model rate_limit"),
        row(200, "{\"error\":{\"code\":\"429\"}}", "model rate_limit"),
        row(200, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", "model rate_limit"),
        row(200, "{\"error\":{\"http_status\":503}}", "model error"),
        row(200, "{\"error\":{\"code\":401,\"message\":\"User not found.\"}}", "key"),
        row(200, "{\"error\":\"broken\"}", "model error"),
        row(200, "{\"error\":{\"message\":\"no code\"}}", "model error"),
        row(200, "{\"error\":{\"code\":\"context_length_exceeded\"}}", "unfit context"),
        row(200, "{\"error\":{\"code\":400,\"message\":\"bad field\"}}", "client"),
        row(200, "{\"error\":null,\"choices\":[{\"message\":{\"content\":\"a\"}}]}", "useful"),
        row(200, "{\"choices\":[{\"finish_reason\":\"error\",\"message\":{}}]}", "model error"),
        row(
            200,
            "{\"choices\":[{\"error\":{\"code\":502},\"finish_reason\":\"error\"}]}",
            "model error"),
        // Rate limits.
        row(429, "", "model rate_limit"),
        row(429, "not JSON", "model rate_limit"),
        row(429, "[{\"error\":1}]", "model rate_limit"),
        row(429, error("Rate limit exceeded: free-models-per-min"), "account"),
        row(429, error("Rate limit exceeded: free-models-per-day-high-balance"), "account"),
        row(429, metadata("\"limit_source\":\"openrouter_free_tier_daily\""), "account"),
        row(429, metadata("\"limit_source\":\"openrouter_free_tier_per_minute\""), "account"),
        row(
            429,
            metadata("\"limit_source\":\"upstream_provider_shared_pool\""),
            "model rate_limit"),
        row(429, error("limit_rpm/x/y exceeded"), "model rate_limit"),
        row(429, metadata("\"provider_name\":\"P\",\"raw\":\"too many\""), "model rate_limit"),
        row(429, available("capacity_exhausted"), "model rate_limit"),
        row(503, available("temporarily_unavailable"), "model error"),
        row(503, error("No backends available"), "model error"),
        // Keys and gates.
        row(401, error("No auth credentials found"), "key"),
        row(403, error("Key limit exceeded (total limit)"), "account key"),
        row(403, error("Key limit exceeded (daily limit). Manage it using x/keys"), "account key"),
        row(402, error("To increase, create a key with a higher monthly limit"), "account key"),
        row(403, error("Insufficient credits"), "account balance"),
        row(402, error("This request requires more credits, or fewer max_tokens."), BALANCE),
        row(402, named("null", "Insufficient credits"), "account balance"),
        row(402, "", "account balance"),
        row(402, "{\"error\":{\"error\":{\"message\":\"x\",\"code\":402},\"code\":402}}", BALANCE),
        row(400, "{\"error\":{\"code\":402,\"message\":\"x\"}}", "account balance"),
        row(402, named("\"P\"", "Provider returned error"), "host gone"),
        // 401 and 403 that are not about the key.
        row(401, named("\"P\"", "Provider returned error"), "model gone"),
        row(403, named("\"P\"", "Forbidden"), "model gone"),
        row(401, metadata("\"raw\":\"Invalid API key\""), "model gone"),
        row(401, error("Upstream error from P: invalid api key"), "model gone"),
        row(403, metadata("\"provider_name\":\"P\",\"raw\":\"Rate limit exceeded\""), LIMITED),
        row(400, metadata("\"raw\":{\"error\":{\"code\":\"invalid_api_key\"}}"), "host"),
        row(403, metadata("\"provider_name\":\"P\",\"raw\":\"content policy\""), "host"),
        row(403, error("Model is unavailable"), "model gone"),
        row(403, error("Model disabled"), "model gone"),
        row(401, error("Model x is not supported"), "model gone"),
        row(403, error("this model requires a subscription"), "model gone"),
        row(403, error("Your key does not have access to model x"), "model gone"),
        row(401, error("Free promotion has ended for X"), "model gone"),
        row(403, error("Rate limit exceeded"), "model rate_limit"),
        row(403, error("Rate limit exceeded: free-models-per-day"), "account"),
        row(403, error("Too many requests"), "model rate_limit"),
        row(403, "<!DOCTYPE html><html><title>Attention Required!</title></html>", "barred"),
        row(401, "\ufeff\n<html></html>", "barred"),
        row(403, "error code: 1010", "barred"),
        row(403, "Forbidden: invalid API key", "key"),
        row(403, error("Authorization failed"), "key"),
        row(401, "Unauthorized", "key"),
        row(401, "{\"detail\":\"Unauthorized\"}", "key"),
        row(401, error("User not found."), "key"),
        row(400, "[{\"error\":{\"code\":400,\"message\":\"API key not valid.\"}}]", "key"),
        row(403, "", "key"),
        row(403, error("x is only available on agentic harnesses."), "model gone"),
        row(403, metadata("\"missing_attestation_types\":[\"age\"]"), "model gone"),
        row(
            403,
            metadata("\"failed_routing_step\":\"Gate Free Endpoints by Agentic Harness\""),
            "model gone"),
        row(
            403,
            error("x requires moderation on P. Your input was flagged for \\\"y\\\""),
            "client"),
        row(403, metadata("\"reasons\":[\"hate\"],\"flagged_input\":\"...\""), "client"),
        row(403, available("region_restricted"), "model gone"),
        row(402, error("Insufficient credits"), "account balance"),
        // Models that are gone.
        row(404, error("No endpoints found for x:free."), "model gone"),
        row(404, error("This model is unavailable for free. Use x"), "model gone"),
        row(404, error("The free X period has ended."), "model gone"),
        row(400, error("x is not a valid model ID"), "model gone"),
        row(404, error("No endpoints found matching your data policy (Free)."), "model gone"),
        row(
            404,
            error("No endpoints available matching your guardrail restrictions"),
            "model gone"),
        row(404, error("No allowed providers are available for the model"), "model gone"),
        row(
            400,
            metadata(
                "\"raw\":\"{\\\"error\\\":{\\\"message\\\":\\\"User location is not"
                    + " supported\\\"}}\""),
            "model gone"),
        row(
            400,
            metadata("\"raw\":{\"error\":{\"message\":\"User location is not supported.\"}}"),
            "model gone"),
        row(400, metadata("\"raw\":\"User location is not supported.\""), "model gone"),
        row(400, available("model_not_found"), "model gone"),
        row(400, available("wrong_endpoint"), "model gone"),
        row(404, available("no_endpoints"), "model gone"),
        row(404, available("model_deprecated"), "model gone"),
        row(404, available("model_unavailable_upstream"), "model gone"),
        row(404, available("free_variant_ended"), "model gone"),
        row(404, available("privacy_restricted"), "model gone"),
        // Requests that do not suit a model.
        row(404, error("No endpoints found that support tool use."), "unfit tools"),
        row(
            404,
            error("No endpoints found that support the provided 'tool_choice' value"),
            "unfit tool_choice"),
        row(404, error("No endpoints found that support image input"), "unfit image"),
        row(
            404,
            error("No endpoints found that can handle the requested parameters."),
            "unfit parameters"),
        row(
            404,
            error("No endpoints found that support the requested output modalities"),
            "unfit parameters"),
        row(
            404,
            "{\"error\":{\"availability\":{\"code\":\"constraint_filtered\","
                + "\"excluded_by\":[\"context_length\"]}}}",
            "unfit context"),
        row(404, available("constraint_filtered"), "unfit parameters"),
        row(400, error("This endpoint's maximum context length is 8192 tokens."), "unfit 8192"),
        row(400, "{\"error\":{\"code\":\"context_length_exceeded\"}}", "unfit context"),
        row(400, metadata("\"error_type\":\"context_length_exceeded\""), "unfit context"),
        // A conversation that is too long, in other words.
        row(
            400,
            error("The input token count (9) exceeds the maximum number of tokens allowed (8)."),
            "unfit 8"),
        row(400, error("prompt is too long: 213462 tokens > 200000 maximum"), "unfit 200000"),
        row(
            400,
            error("input length and `max_tokens` exceed context limit: 9 + 3 > 10, decrease"),
            "unfit 10"),
        row(400, error("This input exceeds model's context length."), "unfit context"),
        row(400, error("Your input exceeds the context window of this model."), "unfit context"),
        row(
            400,
            error("request (13392 tokens) exceeds the available context size (8192 tokens)"),
            "unfit 8192"),
        row(400, error("maximum context length is 131,072 tokens"), "unfit 131072"),
        row(
            400,
            error("Prompt contains 9 tokens, too large for model with 8 maximum context length"),
            "unfit 8"),
        row(
            400,
            error("Input tokens exceed the configured limit of 272000 tokens."),
            "unfit 272000"),
        row(400, error("prompt token count of 5000 exceeds the limit of 4096"), "unfit 4096"),
        row(400, error("invalid params, context window exceeds limit"), "unfit context"),
        row(
            400,
            error("maximum prompt length is 131072 but the request contains 537812"),
            "unfit 131072"),
        row(400, error("Your request exceeded model token limit: 8192"), "unfit 8192"),
        row(
            400,
            error(
                "Current length is 70011 while limit is 65536. Reduce the length of the messages"),
            "unfit 65536"),
        row(400, error("Input is too long for requested model."), "unfit context"),
        row(400, error("Prompt exceeds max length"), "unfit context"),
        row(400, error("Range of input length should be [1, 30720]"), "unfit context"),
        row(422, error("`inputs` tokens + `max_new_tokens` must be <= 8193."), "unfit 8193"),
        row(413, error("prompt is too long"), "unfit context"),
        row(413, "prompt is too long", "unfit context"),
        row(
            400,
            metadata("\"raw\":\"prompt is too long\",\"provider_name\":\"P\""),
            "unfit context"),
        row(502, metadata("\"raw\":\"maximum context length is 8 tokens\""), "unfit 8"),
        row(200, error("prompt is too long"), "unfit context"),
        row(400, error("max_tokens: 32000 exceeds the maximum of 8192"), "client"),
        row(400, error("string too long. Expected a string with maximum length 9"), "client"),
        row(
            413,
            error("Request too large on tokens per minute (TPM): Limit 8, Requested 9"),
            LIMITED),
        row(413, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", LIMITED),
        // Other statuses than what they mean.
        row(400, "{\"error\":{\"code\":429,\"message\":\"x\"}}", LIMITED),
        row(400, "{\"error\":{\"code\":\"429\"}}", LIMITED),
        row(400, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", LIMITED),
        row(400, "{\"error\":{\"type\":\"rate_limit_error\"}}", LIMITED),
        row(400, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}", LIMITED),
        row(400, error("Rate limit exceeded"), LIMITED),
        row(
            400,
            metadata("\"raw\":\"{\\\"error\\\":{\\\"code\\\":\\\"rate_limit_exceeded\\\"}}\""),
            LIMITED),
        row(500, "{\"error\":{\"code\":429}}", LIMITED),
        row(400, "{\"error\":{\"code\":503,\"message\":\"x\"}}", "model error"),
        row(400, "{\"error\":{\"type\":\"overloaded_error\"}}", "model error"),
        row(498, "{\"error\":{\"code\":\"capacity_exceeded\"}}", "model error"),
        row(400, "data: {\"error\":{\"code\":429}}\n\n", LIMITED),
        row(
            429,
            ": OPENROUTER PROCESSING\n\nevent: error\ndata: "
                + error("free-models-per-day")
                + "\n\ndata: [DONE]\n\n",
            "account"),
        row(400, "data: " + error("prompt is too long"), "unfit context"),
        // A host refuses.
        row(400, named("\"Google\"", "Developer instruction is not enabled for models/g"), "host"),
        row(400, metadata("\"raw\":\"Tool call id was x but must be a-z\""), "host"),
        row(
            400,
            metadata("\"raw\":\"max_tokens must be at most 8192\",\"provider_name\":\"P\""),
            "host"),
        row(
            400,
            error("Reasoning is mandatory for this endpoint and cannot be disabled."),
            "unfit parameters"),
        row(400, named("\"P\"", "reasoning_effort must be one of low, medium, high"), "host"),
        row(400, error("Upstream error from P: Unknown name \\\"$schema\\\""), "host"),
        row(400, error("Provider returned error"), "host"),
        row(400, error("Error from provider (Console Go): Upstream request failed"), "host"),
        row(422, metadata("\"raw\":{\"detail\":[{\"msg\":\"x\"}]}"), "host"),
        row(413, named("\"P\"", "x"), "host"),
        row(404, named("\"P\"", "x"), "host gone"),
        row(410, named("\"P\"", "x"), "host gone"),
        row(406, named("\"P\"", "x"), "host"),
        row(409, named("\"P\"", "x"), "host"),
        row(425, named("\"P\"", "x"), "host"),
        row(451, named("\"P\"", "x"), "host"),
        row(400, named("null", "x"), "client"),
        row(400, named("\"\"", "x"), "client"),
        row(400, metadata("\"raw\":\"The model `x` does not exist.\""), "model gone"),
        row(400, "{\"error\":{\"code\":\"model_decommissioned\"}}", "model gone"),
        row(404, error("model 'x' not found"), "model gone"),
        row(400, error("file not found by the model"), "client"),
        // The request itself.
        row(400, error("Invalid request"), "client"),
        row(400, "", "client"),
        row(404, error("The file was not found"), "client"),
        row(404, error("not found: a tool of the request"), "client"),
        row(404, "{\"error\":{\"message\":\"Not found\",\"code\":404}}", "client"),
        // No API is there, or something is in front of it.
        row(400, "<html></html>", "no_api"),
        row(404, "not found", "no_api"),
        row(404, "404 page not found\n", "no_api"),
        row(404, "", "no_api"),
        row(404, "{\"detail\":\"Not Found\"}", "no_api"),
        row(404, "{\"status\":404,\"error\":\"Not Found\",\"path\":\"/x\"}", "no_api"),
        row(404, error("File Not Found"), "no_api"),
        row(404, error("Resource not found"), "no_api"),
        row(404, "{\"message\":\"no Route matched with those values\"}", "no_api"),
        row(404, error("Invalid URL (POST /v1/v1/chat/completions)"), "no_api"),
        row(405, "{\"detail\":\"Method Not Allowed\"}", "no_api"),
        row(404, named("\"P\"", "Not Found"), "host gone"),
        row(301, "<html></html>", "no_api"),
        row(308, "", "no_api"),
        row(413, "<html><title>413 Request Entity Too Large</title></html>", "barred"),
        row(451, "<html></html>", "barred"),
        row(409, "{}", "client"),
        row(413, error("too big"), "client"),
        row(422, error("unprocessable"), "client"),
        // Servers that fail.
        row(408, "", "model error"),
        row(500, "", "model error"),
        row(502, metadata("\"raw\":{\"detail\":1},\"provider_name\":\"P\""), "model error"),
        row(502, MEGABYTE, "model error"),
        row(504, "<html></html>", "model error"),
        row(524, "", "model error"),
        row(529, error("Provider returned error"), "model error"),
        row(302, "", "no_api"),
        // What is not known stays what its status says.
        row(404, available("brand_new_code"), "client"),
        row(503, available("brand_new_code"), "model error"));
  }

  private static Arguments row(int status, String body, String meaning) {
    return Arguments.of(status, body, meaning);
  }

  private static String choice(String message) {
    return "{\"choices\":[{\"index\":0,\"message\":{" + message + "},\"finish_reason\":\"stop\"}]}";
  }

  private static String error(String message) {
    return "{\"error\":{\"message\":\"" + message + "\"}}";
  }

  private static String metadata(String fields) {
    return "{\"error\":{\"message\":\"Provider returned error\",\"metadata\":{" + fields + "}}}";
  }

  private static String named(String provider, String message) {
    return "{\"error\":{\"message\":\""
        + message
        + "\",\"metadata\":{\"provider_name\":"
        + provider
        + "}}}";
  }

  private static String available(String code) {
    return "{\"error\":{\"message\":\"m\",\"availability\":{\"code\":\"" + code + "\"}}}";
  }

  @ParameterizedTest(name = "{0} → {2}")
  @MethodSource("answers")
  void means(int status, String body, String meaning) {
    assertThat(
            shortly(
                ReplyClassifier.judgeAnswer(
                    status, ReplyHeaders.NONE, body.getBytes(UTF_8), Providers.ANY, NOW)))
        .isEqualTo(meaning);
  }

  private static String shortly(Verdict verdict) {
    return switch (verdict) {
      case Verdict.Useful useful -> "useful";
      case Verdict.Empty empty -> "empty";
      case Verdict.ModelFailed failed ->
          switch (failed.rest().kind()) {
            case RATE_LIMIT -> "model rate_limit";
            case ERROR -> "model error";
            case UNTIL_REFRESH -> "model gone";
          };
      case Verdict.ModelUnfit unfit ->
          switch (unfit.unfit()) {
            case Unfit.Lacks lacks -> "unfit " + lacks.capability().parameter();
            case Unfit.CannotRead input ->
                "unfit " + input.input().name().toLowerCase(java.util.Locale.ROOT);
            case Unfit.ContextTooLong tooLong ->
                "unfit " + (tooLong.window() == null ? "context" : tooLong.window());
            case Unfit.Parameters parameters -> "unfit parameters";
          };
      case Verdict.AccountLimited limited -> "account";
      case Verdict.ProxyOverloaded overloaded -> "proxy";
      case Verdict.AccountBlocked blocked ->
          "account " + blocked.limit().name().toLowerCase(java.util.Locale.ROOT);
      case Verdict.HostRefused refused -> refused.rest() == null ? "host" : "host gone";
      case Verdict.KeyRefused refused -> "key";
      case Verdict.NotReached missed -> missed.obstacle().name().toLowerCase(java.util.Locale.ROOT);
      case Verdict.ClientError error -> "client";
    };
  }

  @Test
  void tellsTheOperatorWhichSettingBlocksAModel() {
    byte[] body = error("No endpoints found matching your data policy").getBytes(UTF_8);
    assertThat(ReplyClassifier.judgeAnswer(404, ReplyHeaders.NONE, body, Providers.ANY, NOW))
        .isInstanceOfSatisfying(
            Verdict.ModelFailed.class,
            failed -> assertThat(failed.advice()).contains("openrouter.ai/settings/privacy"));
  }

  @Test
  void neverRepeatsWhatTheUpstreamSaid() {
    byte[] body = error("flagged: my secret prompt").getBytes(UTF_8);
    for (int status : new int[] {400, 401, 403, 404, 408, 429, 500, 503}) {
      assertThat(
              ReplyClassifier.judgeAnswer(status, ReplyHeaders.NONE, body, Providers.ANY, NOW)
                  .reason())
          .doesNotContain("secret")
          .startsWith(String.valueOf(status));
    }
  }
}

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
        row(403, error("Key limit exceeded (total limit)"), "key"),
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
        row(402, error("Insufficient credits"), "client"),
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
        // The request itself.
        row(400, error("Invalid request"), "client"),
        row(400, "", "client"),
        row(400, "<html></html>", "client"),
        row(404, "not found", "client"),
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
        row(302, "", "model error"),
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
      case Verdict.KeyRefused refused -> "key";
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

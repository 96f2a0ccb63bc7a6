package freellmproxy.upstream;

import freellmproxy.chat.Providers;
import freellmproxy.upstream.Rest.Kind;
import java.time.Instant;

/**
 * What an answer of the upstream means (contract section 5, {@code docs/upstream.md} sections 1 to
 * 3). {@link ErrorJudge} judges its errors, by the words in {@link ErrorPhrases}. Pure.
 *
 * <p>The evidence is read from the most to the least reliable: {@code availability.code}, then the
 * status, and within a status the fields of {@code metadata} before phrases of the message. What is
 * not known stays what its status says.
 */
public final class ReplyClassifier {
  /** For the operator, where {@link #isBlockedByAccount}. */
  public static final String PRIVACY_ADVICE =
      "The OpenRouter account's privacy or guardrail settings block models; see"
          + " openrouter.ai/settings/privacy";

  private ReplyClassifier() {}

  /** Whether a verdict's reason is that the account's own settings leave the model out. */
  public static boolean isBlockedByAccount(String reason) {
    return reason.endsWith(ErrorJudge.ACCOUNT_SETTINGS);
  }

  /** Judges one whole answer of any status. */
  public static Verdict judgeAnswer(
      int status, ReplyHeaders headers, byte[] body, Providers providers, Instant now) {
    if (status / 100 != 2) {
      return new ErrorJudge(status, ErrorBody.parse(body), headers, providers, now).judge();
    }
    ChatChunk answer = ChatChunk.ofAnswer(body);
    if (!answer.json) {
      boolean isPage = ErrorBody.parse(body).form() == ErrorBody.Form.PAGE;
      return judgeFailure(isPage ? "web_page" : "unreadable_answer");
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
    return new ErrorJudge(status, error, headers, providers, now).judge();
  }

  private static int statusOf(ErrorBody error) {
    boolean isContext =
        error.isNamed(ErrorPhrases.CONTEXT_CODES) || ErrorPhrases.contextTooLong(error.text());
    return isContext ? 400 : 502;
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

  /** Judges that no connection to the upstream stands. */
  public static Verdict judgeNoConnection(String reason, String why) {
    return new Verdict.NotReached(Obstacle.NO_CONNECTION, 0, reason, why);
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
          new ErrorJudge(status, ErrorBody.NONE, headers, Providers.ANY, now).judge();
      default -> judgeFailure(reason);
    };
  }
}

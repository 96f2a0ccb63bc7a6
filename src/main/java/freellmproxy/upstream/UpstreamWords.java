package freellmproxy.upstream;

import freellmproxy.config.Redactor;
import org.jspecify.annotations.Nullable;

/**
 * What the upstream itself said of a fault, where that cannot have a prompt in it: for the log, and
 * for the client where only the operator can mend it (decision 0044). Pure.
 */
public final class UpstreamWords {
  /** Characters, as far as a log line or an error message is read. */
  private static final int LONGEST = 200;

  /** Redaction looks at this much: a secret must be whole to be found. */
  private static final int LONGEST_READ = 4096;

  private UpstreamWords() {}

  /**
   * The first 200 characters of what an error says, on one line and without secrets; null when
   * nothing is said or it may quote what a client sent.
   *
   * @param body the error's, as the verdict was given on it
   */
  public static @Nullable String of(Verdict verdict, byte[] body, Redactor redactor) {
    boolean isAboutNoPrompt = isAboutNoPrompt(verdict);
    if (!isAboutNoPrompt && !(verdict instanceof Verdict.ModelFailed)) {
      return null;
    }
    if (verdict instanceof Verdict.NotReached missed && !missed.why().isEmpty()) {
      return shown(missed.why(), redactor);
    }
    ErrorBody error = ErrorBody.parse(body);
    if (error.form() == ErrorBody.Form.PAGE) {
      return shown(page(error), redactor);
    }
    boolean mayQuote = !isAboutNoPrompt || error.has("flagged_input") || error.has("reasons");
    return mayQuote ? null : shown(words(error), redactor);
  }

  private static @Nullable String shown(String said, Redactor redactor) {
    String read = said.substring(0, Math.min(said.length(), LONGEST_READ));
    String shown = shortened(onOneLine(String.valueOf(redactor.redact(read))));
    return shown.isEmpty() ? null : shown;
  }

  private static String page(ErrorBody error) {
    return "a web page instead of an answer: " + error.pageTitle();
  }

  /** "Provider returned error" says nothing; the host that it hides has said what. */
  private static String words(ErrorBody error) {
    String message = error.message();
    String host = error.host().message();
    return host.isBlank() || message.contains(host) ? message : message + ": " + host;
  }

  /**
   * Account, key, network, path, rate limits. A refusal of the request quotes the request at times,
   * and a server that fails over an answer quotes that.
   */
  private static boolean isAboutNoPrompt(Verdict verdict) {
    return switch (verdict) {
      case Verdict.AccountLimited limited -> true;
      case Verdict.AccountBlocked blocked -> true;
      case Verdict.KeyRefused refused -> true;
      case Verdict.NotReached missed -> true;
      case Verdict.ModelFailed failed ->
          switch (failed.status()) {
            case 401, 402, 403, 404, 410, 429, 503 -> true;
            default -> false;
          };
      case Verdict.HostRefused refused -> refused.rest() != null;
      case Verdict.Useful useful -> false;
      case Verdict.ModelUnfit unfit -> false;
      case Verdict.Empty empty -> false;
      case Verdict.ProxyOverloaded overloaded -> false;
      case Verdict.ClientError error -> false;
    };
  }

  /** No escape sequence, no direction mark and no line end reaches a terminal. */
  private static String onOneLine(String text) {
    return text.codePoints()
        .map(each ->
            switch (Character.getType(each)) {
              case Character.CONTROL,
                  Character.FORMAT,
                  Character.LINE_SEPARATOR,
                  Character.PARAGRAPH_SEPARATOR,
                  Character.SURROGATE ->
                  ' ';
              default -> each;
            })
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString()
        .strip()
        .replaceAll(" {2,}", " ");
  }

  private static String shortened(String text) {
    return text.codePointCount(0, text.length()) <= LONGEST
        ? text
        : text.substring(0, text.offsetByCodePoints(0, LONGEST));
  }
}

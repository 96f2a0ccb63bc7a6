package freellmproxy.exchange;

import freellmproxy.upstream.Outcome;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Whom a request asked and what came of it, as a header tells it: {@code
 * model-a=429;model-b=connection_lost;model-c=200}. Bounded, since proxies between us and a client
 * limit the headers: what is left out is counted at the end, as {@code +3}.
 */
final class Trail {
  private static final int MOST_ATTEMPTS = 8;

  /** In characters, of which each is one byte; what counts the rest is shorter than the margin. */
  private static final int LONGEST = 1024 - 8;

  private static final Pattern NOT_PLAIN = Pattern.compile("[^!-~]|[;=]");

  private final StringBuilder text = new StringBuilder(64);
  private int told;
  private int leftOut;

  private Trail() {}

  /** Empty when nobody was asked. */
  static String of(List<AttemptRecord> attempts) {
    var trail = new Trail();
    trail.addAll(attempts);
    return trail.toString();
  }

  /** That of a stream which {@code model} has begun. */
  static String of(List<AttemptRecord> before, String model, int status) {
    var trail = new Trail();
    trail.addAll(before);
    trail.add(model, Integer.toString(status));
    return trail.toString();
  }

  private void addAll(List<AttemptRecord> attempts) {
    for (AttemptRecord attempt : attempts) {
      add(attempt.model(), ending(attempt));
    }
  }

  /** The status that counted, which an error in a 200 has of its own, or our word for it. */
  private static String ending(AttemptRecord attempt) {
    if (attempt.outcome() == Outcome.SUCCESS) {
      return Integer.toString(attempt.status());
    }
    String reason = attempt.reason();
    int end = reason.indexOf(' ');
    return reason.isEmpty()
        ? attempt.outcome().label()
        : reason.substring(0, end < 0 ? reason.length() : end);
  }

  private void add(String model, String ending) {
    boolean fits =
        leftOut == 0
            && told < MOST_ATTEMPTS
            && text.length() + model.length() + ending.length() + 2 <= LONGEST;
    if (!fits) {
      leftOut++;
      return;
    }
    if (told++ > 0) {
      text.append(';');
    }
    text.append(plain(model)).append('=').append(ending);
  }

  /** Ids come from a list that is not ours. */
  private static String plain(String model) {
    for (int i = 0; i < model.length(); i++) {
      if (!isPlain(model.charAt(i))) {
        return NOT_PLAIN.matcher(model).replaceAll("_");
      }
    }
    return model;
  }

  private static boolean isPlain(char c) {
    return c > ' ' && c < 0x7f && c != ';' && c != '=';
  }

  @Override
  public String toString() {
    return leftOut == 0 ? text.toString() : text + ";+" + leftOut;
  }
}

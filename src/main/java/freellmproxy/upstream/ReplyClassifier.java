package freellmproxy.upstream;

import java.time.Instant;

/** STUB: what an upstream's answer means. */
public final class ReplyClassifier {
  private ReplyClassifier() {}

  /** STUB: judges one whole answer. */
  public static Verdict judgeAnswer(int status, ReplyHeaders headers, byte[] body, Instant now) {
    throw new UnsupportedOperationException();
  }
}

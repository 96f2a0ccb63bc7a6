package freellmproxy.exchange;

import freellmproxy.upstream.UpstreamReply.Fault;
import freellmproxy.upstream.Verdict;
import java.time.Duration;
import java.util.Optional;

/** When a failed model is worth asking once more (contract section 5, SAME_MODEL_RETRIES). */
final class SameModelRetry {
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(3);

  private SameModelRetry() {}

  /** How long to wait before asking again; empty when it is not worth it. */
  static Optional<Duration> pause(Verdict.ModelFailed failed) {
    return switch (failed.status()) {
      case 500, 502 -> Optional.of(Duration.ZERO);
      case 429 ->
          Optional.ofNullable(failed.rest().hint())
              .filter(pause -> pause.compareTo(LONGEST_PAUSE) <= 0);
      case 0 ->
          failed.reason().equals(Fault.CONNECTION_LOST.label())
              ? Optional.of(Duration.ZERO)
              : Optional.empty();
      default -> Optional.empty();
    };
  }
}

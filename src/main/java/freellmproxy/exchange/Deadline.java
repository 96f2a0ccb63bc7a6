package freellmproxy.exchange;

import freellmproxy.time.Time;
import java.time.Duration;

/** The limit for all attempts of one request together (contract section 8). */
record Deadline(Time time, long startNanos, Duration limit) {
  /** With less than this left no attempt is worth an upstream call. */
  private static final Duration SHORTEST_ATTEMPT = Duration.ofSeconds(1);

  Duration remaining() {
    return limit.minus(time.since(startNanos));
  }

  boolean leavesTimeForAnAttempt() {
    return leavesTimeForAnAttemptAfter(Duration.ZERO);
  }

  boolean leavesTimeForAnAttemptAfter(Duration pause) {
    return remaining().minus(pause).compareTo(SHORTEST_ATTEMPT) >= 0;
  }

  /** The shorter of a limit of its own and what is left of this one. */
  Duration cap(Duration own) {
    Duration remaining = remaining();
    return own.compareTo(remaining) < 0 ? own : remaining;
  }
}

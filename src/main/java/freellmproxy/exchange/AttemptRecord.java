package freellmproxy.exchange;

import freellmproxy.upstream.Outcome;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One upstream call, as logs and metrics tell it.
 *
 * @param status HTTP status, 0 when none came
 * @param restsUntil until when the model or the account rests because of it, by the wall clock, for
 *     people; null when neither does
 * @param reason empty for a success
 * @param detail what the upstream said of a fault that quotes no prompt, or why no connection to it
 *     stands; null otherwise
 */
public record AttemptRecord(
    String model,
    Outcome outcome,
    int status,
    Duration duration,
    @Nullable Instant restsUntil,
    String reason,
    @Nullable String detail) {

  /** The same, but its model rests because of it after all. */
  AttemptRecord restingUntil(Instant moment) {
    return new AttemptRecord(model, outcome, status, duration, moment, reason, detail);
  }
}

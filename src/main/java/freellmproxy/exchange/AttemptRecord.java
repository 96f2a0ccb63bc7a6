package freellmproxy.exchange;

import freellmproxy.upstream.Outcome;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One upstream call, as logs and metrics tell it.
 *
 * @param status HTTP status, 0 when none came
 * @param restsUntil null when the model does not rest because of it
 * @param reason empty for a success
 */
public record AttemptRecord(
    String model,
    Outcome outcome,
    int status,
    Duration duration,
    @Nullable Instant restsUntil,
    String reason) {}

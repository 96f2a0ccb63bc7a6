package freellmproxy.upstream;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How long the upstream's answer asks a model to be left alone.
 *
 * @param until what the upstream said (contract section 7); null: it said nothing, the kind's
 *     default applies
 */
public record Rest(Kind kind, @Nullable Instant until) {
  /** Which default applies where the upstream gave no hint. */
  public enum Kind {
    /** {@code RATE_LIMIT_COOLDOWN_SEC}. */
    RATE_LIMIT,
    /** {@code GENERIC_ERROR_COOLDOWN_SEC}, doubling when repeated. */
    ERROR,
    /** Until the list is read again, whatever the hint. */
    UNTIL_REFRESH
  }
}

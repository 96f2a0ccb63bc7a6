package freellmproxy.upstream;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How long the upstream's answer asks a model to be left alone.
 *
 * @param hint what the upstream said (contract section 7), from its answer on; null: it said
 *     nothing, the kind's default applies
 */
public record Rest(Kind kind, @Nullable Duration hint) {
  /** Which default applies where the upstream gave no hint. */
  public enum Kind {
    /** {@code RATE_LIMIT_COOLDOWN_SEC}. */
    RATE_LIMIT,
    /** {@code GENERIC_ERROR_COOLDOWN_SEC}, doubling when repeated. */
    ERROR,
    /** Until the list is read again, whatever the hint. */
    UNTIL_REFRESH
  }

  /** Whether nobody said how long: the default of the kind may be far too long. */
  public boolean isGuess() {
    return hint == null && kind != Kind.UNTIL_REFRESH;
  }
}

package freellmproxy.upstream;

import java.util.Locale;

/** How one attempt ended: the label in log lines and metrics (contract section 5). */
public enum Outcome {
  SUCCESS,
  RATE_LIMITED,
  UPSTREAM_ERROR,
  UPSTREAM_AUTH_ERROR,
  MODEL_UNAVAILABLE,
  MODEL_UNFIT,
  EMPTY_ANSWER,
  CLIENT_ERROR,
  CANCELLED;

  private final String label = name().toLowerCase(Locale.ROOT);

  /** The name as logs and metrics print it. */
  public String label() {
    return label;
  }
}

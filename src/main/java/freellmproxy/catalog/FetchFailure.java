package freellmproxy.catalog;

import java.util.Locale;

/**
 * Why the list could not be read, as {@code snapshot_refresh_failed} says it.
 *
 * @param error one sentence for a person; never text that the server sent
 */
public record FetchFailure(Type type, String error) {
  /** Kinds of failure. */
  public enum Type {
    NETWORK,
    TIMEOUT,
    STATUS,
    /** It leads to where the list may not be read from, or round in circles. */
    REDIRECT,
    TOO_LARGE,
    NOT_JSON,
    NO_USABLE_ENTRY,
    /** A bug of ours. */
    INTERNAL;

    /** The name as logs print it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}

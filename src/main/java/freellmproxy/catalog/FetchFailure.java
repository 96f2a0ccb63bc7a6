package freellmproxy.catalog;

import freellmproxy.config.Setting;
import java.util.Locale;

/**
 * Why the list could not be read, as {@code snapshot_refresh_failed} says it.
 *
 * @param error one sentence for a person; never text that the server sent
 * @param remedy what its owner can do about it, a sentence or two
 */
public record FetchFailure(Type type, String error, String remedy) {
  static final String PAGE =
      "the answer is a web page, not JSON; a network that wants a login first answers like that";

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

  /** The server's refusal. */
  static FetchFailure ofStatus(int status) {
    String remedy =
        switch (status) {
          case 401, 403, 451 ->
              "Check whether MODELS_LIST_URL needs a key in it, and whether its server refuses this"
                  + " country or network (open it in a browser).";
          case 404, 410 ->
              "Correct the path in MODELS_LIST_URL; without it "
                  + Setting.MODELS_LIST_URL.byDefault()
                  + " is read.";
          case 407 ->
              "Write user and password of the forward proxy into HTTP_PROXY (or ALL_PROXY):"
                  + " http://USER:PASSWORD@HOST:PORT.";
          case 429 -> "Wait a few minutes; a longer MODELS_REFRESH_SEC asks less often.";
          default ->
              status >= 500
                  ? "Its server is at fault: wait and look again. A proxy that runs keeps its last"
                      + " list."
                  : usualRemedy(Type.STATUS);
        };
    return new FetchFailure(Type.STATUS, "the server answered " + status, remedy);
  }

  /** With what mostly helps against a failure of this kind. */
  static FetchFailure of(Type type, String error) {
    return new FetchFailure(type, error, usualRemedy(type));
  }

  private static String usualRemedy(Type type) {
    return switch (type) {
      case NETWORK, TIMEOUT ->
          "Check MODELS_LIST_URL, the network and the forward proxy (HTTPS_PROXY); open the address"
              + " in a browser.";
      case STATUS -> "Open the address in a browser, and check MODELS_LIST_URL.";
      case REDIRECT -> "Set MODELS_LIST_URL to the https:// address where the list is now.";
      case TOO_LARGE, NOT_JSON, NO_USABLE_ENTRY ->
          "Check MODELS_LIST_URL; without it " + Setting.MODELS_LIST_URL.byDefault() + " is read.";
      case INTERNAL -> "Report it, with the log.";
    };
  }
}

package freellmproxy.config;

/**
 * Where the value of a setting came from.
 *
 * @param shown the value, or the tail of a secret
 */
public record Origin(Setting setting, String shown, Source source) {
  /** The places a value can come from, strongest first. */
  public enum Source {
    ENVIRONMENT,
    DOT_ENV,
    DEFAULT
  }
}

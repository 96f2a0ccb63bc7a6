package freellmproxy.config;

/**
 * Where the value of a setting came from.
 *
 * @param value never to be printed whole, whatever setting it is of; see {@link #shown()}
 */
public record Origin(Setting setting, Secret value, Source source) {
  /** The value as it may be printed: of a key only the tail, of a URL no password and no query. */
  public String shown() {
    return RawSettings.shown(setting, value.reveal());
  }

  /** The places a value can come from, strongest first. */
  public enum Source {
    ENVIRONMENT,
    DOT_ENV,
    DEFAULT
  }
}

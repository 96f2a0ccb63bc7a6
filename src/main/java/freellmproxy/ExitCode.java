package freellmproxy;

/** Exit codes beside 0 and picocli's own; the numbers are those of sysexits.h. */
final class ExitCode {
  /** A service could not be started, for example because its port is taken. */
  static final int UNAVAILABLE = 69;

  /** The settings are missing or wrong. */
  static final int BAD_SETTINGS = 78;

  private ExitCode() {}
}

package freellmproxy.observe;

/**
 * How many lines with a stack trace there may be. A trace is as long as fifty other lines, and one
 * client that has found a bug, of ours or of a library, can have one written for each request.
 * Thread-safe.
 */
final class TraceLimit {
  /** Enough to tell several bugs of one moment apart. */
  static final int MOST_IN_A_MINUTE = 20;

  private static final long MINUTE_MILLIS = 60_000;

  private long minute = Long.MIN_VALUE;
  private int seen;

  /**
   * Whether one more may be written.
   *
   * @param millis when it was logged, since 1970
   */
  synchronized boolean allows(long millis) {
    long now = Math.floorDiv(millis, MINUTE_MILLIS);
    if (now != minute) {
      minute = now;
      seen = 0;
    }
    return seen++ < MOST_IN_A_MINUTE;
  }
}

package freellmproxy.routing;

import freellmproxy.config.Settings;
import freellmproxy.upstream.Rest;
import java.time.Duration;
import java.time.Instant;

/**
 * How long a rest is (contract sections 5 and 7): what the upstream hinted, or else the default of
 * its kind. Pure.
 *
 * @param refreshPeriod how long a rest "until the next refresh" lasts when the list cannot be read
 */
record RestLength(Settings.Fallback settings, Duration refreshPeriod) {
  /** No hint of an upstream silences a model for longer than this (contract section 5). */
  private static final Duration LONGEST = Duration.ofHours(24);

  /** Doubling an error's rest stops here (contract section 5). */
  private static final Duration LONGEST_DOUBLED = Duration.ofMinutes(1);

  /** So long after an error one request may find out whether it still fails. */
  private static final Duration BEFORE_PROBE = Duration.ofSeconds(30);

  /**
   * When a rest that begins now ends.
   *
   * @param failures in a row, with this one
   */
  Instant end(Rest rest, int failures, Instant now) {
    Duration hint = rest.hint();
    Duration length =
        switch (rest.kind()) {
          case UNTIL_REFRESH -> refreshPeriod;
          case RATE_LIMIT -> hint == null ? settings.rateLimitCooldown() : hint;
          case ERROR -> hint == null ? doubled(failures) : hint;
        };
    return now.plus(length.compareTo(LONGEST) < 0 ? length : LONGEST);
  }

  /**
   * From when on one request may ask the model although its rest goes on, if another serves behind
   * it: only after an error of which nobody said how long it lasts.
   *
   * @param end of the rest
   */
  static Instant probe(Rest rest, Instant end, Instant now) {
    Instant early = now.plus(BEFORE_PROBE);
    boolean isEarly = rest.kind() == Rest.Kind.ERROR && rest.isGuess() && early.isBefore(end);
    return isEarly ? early : end;
  }

  /** The error cooldown, doubled for each failure after the first, up to a minute. */
  private Duration doubled(int failures) {
    Duration rest = settings.errorCooldown();
    for (int i = 1; i < failures && rest.compareTo(LONGEST_DOUBLED) < 0; i++) {
      Duration twice = rest.multipliedBy(2);
      rest = twice.compareTo(LONGEST_DOUBLED) < 0 ? twice : LONGEST_DOUBLED;
    }
    return rest;
  }
}

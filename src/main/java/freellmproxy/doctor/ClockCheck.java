package freellmproxy.doctor;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Whether this machine's clock is right, by that of a server. */
final class ClockCheck {
  private static final Duration MUCH = Duration.ofMinutes(5);

  private ClockCheck() {}

  /**
   * What is wrong with it.
   *
   * @param theirs what a server has just said; empty when none has
   */
  static List<Finding> findings(Optional<Instant> theirs, Instant ours) {
    return theirs
        .map(server -> Duration.between(server, ours))
        .filter(ahead -> ahead.abs().compareTo(MUCH) > 0)
        .map(ahead ->
            Finding.warning(
                "clock",
                "this machine's clock is %s %s what servers say"
                    .formatted(length(ahead.abs()), ahead.isNegative() ? "behind" : "ahead of"),
                "Set it (`timedatectl set-ntp true`): certificates look expired or not yet valid,"
                    + " and waits until a time of day get the wrong length."))
        .stream()
        .toList();
  }

  private static String length(Duration time) {
    return time.toHours() < 2
        ? time.toMinutes() + " min"
        : time.toDays() < 2 ? time.toHours() + " h" : time.toDays() + " days";
  }
}

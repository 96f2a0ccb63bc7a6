package freellmproxy.config;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Finds names that were meant to be ours (contract section 9). */
final class Spelling {
  private Spelling() {}

  /** The setting that {@code name} is one letter away from; empty when it is none, or right. */
  static Optional<Setting> nearMiss(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    if (Setting.named(upper).isPresent()) {
      // Lower case is right for some and meant for the others.
      return name.equals(upper) ? Optional.empty() : lowerCaseMiss(upper);
    }
    return Arrays.stream(Setting.values())
        .filter(setting -> isOneLetterOff(upper, setting.name()))
        .findFirst();
  }

  private static Optional<Setting> lowerCaseMiss(String upper) {
    return Setting.named(upper)
        .filter(setting -> !setting.isProxyUrl() && setting != Setting.NO_PROXY);
  }

  /**
   * Whether one insertion, deletion, replacement or swap of neighbours turns one into the other.
   */
  static boolean isOneLetterOff(String a, String b) {
    if (Math.abs(a.length() - b.length()) > 1 || a.length() < 5) {
      return false;
    }
    int start = 0;
    int shorter = Math.min(a.length(), b.length());
    while (start < shorter && a.charAt(start) == b.charAt(start)) {
      start++;
    }
    String restOfA = a.substring(start);
    String restOfB = b.substring(start);
    if (restOfA.length() != restOfB.length()) {
      String longer = restOfA.length() > restOfB.length() ? restOfA : restOfB;
      String other = longer.equals(restOfA) ? restOfB : restOfA;
      return longer.substring(1).equals(other);
    }
    return restOfA.length() > 0
        && (restOfA.substring(1).equals(restOfB.substring(1)) || isSwap(restOfA, restOfB));
  }

  private static boolean isSwap(String a, String b) {
    return a.length() >= 2
        && a.charAt(0) == b.charAt(1)
        && a.charAt(1) == b.charAt(0)
        && a.substring(2).equals(b.substring(2));
  }
}

package freellmproxy.config;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Finds names that were meant to be ours (contract section 9). */
final class Spelling {
  /** Half of all words in common. */
  private static final double LIKE = 0.5;

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

  /** The setting that an unknown {@code name} was most likely meant to be; empty when none is. */
  static Optional<Setting> guess(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    if (Setting.named(upper).isPresent()) {
      return name.equals(upper) ? Optional.empty() : lowerCaseMiss(upper);
    }
    String bare = upper.replace("_", "");
    boolean isKey = bare.matches(".*(KEY|TOKEN|SECRET|PASSWORD)S?");
    if (bare.contains("ROUTER") && (isKey || bare.matches("OPENROUTER(API)?"))) {
      return Optional.of(Setting.OPENROUTER_API_KEY);
    }
    if (bare.contains("PROXY") && isKey) {
      return Optional.of(Setting.PROXY_API_KEY);
    }
    return Arrays.stream(Setting.values())
        .filter(setting -> likeness(upper, setting.name()) >= LIKE)
        .max(Comparator.comparingDouble(setting -> likeness(upper, setting.name())));
  }

  /** From 0 to 1: the share of words that both have, or 1 where one letter makes the difference. */
  private static double likeness(String a, String b) {
    if (isOneLetterOff(a.replace("_", ""), b.replace("_", ""))
        || a.replace("_", "").equals(b.replace("_", ""))) {
      return 1;
    }
    Set<String> words = Set.copyOf(List.of(a.split("_+")));
    Set<String> others = Set.copyOf(List.of(b.split("_+")));
    long common = words.stream().filter(others::contains).count();
    return (double) common / (words.size() + others.size() - common);
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

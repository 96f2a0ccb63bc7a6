package freellmproxy.config;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Model ids that are left out ({@code MODELS_DENY}): a comma between two, {@code *} for any
 * letters, {@code ?} for one. Upper and lower case are the same.
 */
public record Globs(List<String> globs) {
  public static final Globs NONE = new Globs(List.of());

  public Globs {
    globs = List.copyOf(globs);
  }

  static Globs parse(String text) {
    return new Globs(
        Stream.of(text.split(","))
            .map(glob -> glob.strip().toLowerCase(Locale.ROOT))
            .filter(glob -> !glob.isEmpty())
            .toList());
  }

  public boolean match(String id) {
    String lower = id.toLowerCase(Locale.ROOT);
    return globs.stream().anyMatch(glob -> matches(lower, glob));
  }

  /** In time that grows with the two lengths only, whatever the glob is. */
  private static boolean matches(String text, String glob) {
    int at = 0;
    int inGlob = 0;
    int star = -1;
    int afterStar = 0;
    while (at < text.length()) {
      if (inGlob < glob.length() && glob.charAt(inGlob) == '*') {
        star = inGlob++;
        afterStar = at;
      } else if (inGlob < glob.length()
          && (glob.charAt(inGlob) == '?' || glob.charAt(inGlob) == text.charAt(at))) {
        at++;
        inGlob++;
      } else if (star >= 0) {
        // The last star takes one letter more.
        inGlob = star + 1;
        at = ++afterStar;
      } else {
        return false;
      }
    }
    return glob.substring(inGlob).chars().allMatch(c -> c == '*');
  }

  @Override
  public String toString() {
    return String.join(",", globs);
  }
}

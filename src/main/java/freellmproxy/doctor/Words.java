package freellmproxy.doctor;

import freellmproxy.config.Redactor;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Texts for a terminal. */
final class Words {
  /** Of what a server says. */
  private static final int LONGEST_QUOTE = 160;

  private static final int LONGEST_READ = 64 << 10;
  private static final Pattern TITLE =
      Pattern.compile("<title[^>]*>([^<]*)", Pattern.CASE_INSENSITIVE);

  private Words() {}

  /**
   * The beginning of what a server said: no line end, no escape sequence and no secret is in it.
   */
  static String quoted(String said, Redactor redactor) {
    String read = said.substring(0, Math.min(said.length(), LONGEST_READ));
    String line =
        String.valueOf(redactor.redact(read))
            .replaceAll("[\\p{Cntrl}\\p{Cf}\\p{Zl}\\p{Zp}\\s]+", " ")
            .strip();
    return line.codePointCount(0, line.length()) <= LONGEST_QUOTE
        ? line
        : line.substring(0, line.offsetByCodePoints(0, LONGEST_QUOTE)) + " ...";
  }

  /** What a page calls itself; empty when it does not say. */
  static String title(String html, Redactor redactor) {
    Matcher title = TITLE.matcher(html.substring(0, Math.min(html.length(), LONGEST_READ)));
    return title.find() ? quoted(title.group(1), redactor) : "";
  }

  /** The first few of many, and how many more there are. */
  static String few(List<String> all, int most) {
    int shown = Math.min(all.size(), most);
    String text = String.join(", ", all.subList(0, shown));
    return shown == all.size() ? text : text + " and " + (all.size() - shown) + " more";
  }

  /** In lines of up to so many characters, but for a word that is longer by itself. */
  static List<String> wrapped(String text, int width) {
    var lines = new ArrayList<String>();
    var line = new StringBuilder();
    for (String word : text.strip().split(" +", -1)) {
      if (!line.isEmpty() && line.length() + 1 + word.length() > width) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.isEmpty() ? "" : " ").append(word);
    }
    lines.add(line.toString());
    return lines;
  }

  /** A number of things. */
  static String count(long number, String thing) {
    return number + " " + thing + (number == 1 ? "" : "s");
  }
}

package freellmproxy.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The text of a {@code .env} file: {@code NAME=value} lines, comments, an optional {@code export},
 * single or double quotes. Of two lines with the same name the last one counts.
 *
 * @param faults what is wrong with lines that are none of this; never their text
 */
record DotEnv(Map<String, String> values, List<String> faults) {
  private static final Pattern EXPORT = Pattern.compile("^export\\s+");

  static DotEnv parse(String text) {
    var values = new LinkedHashMap<String, String>();
    var faults = new ArrayList<String>();
    int number = 0;
    for (String raw : text.replace("\uFEFF", "").lines().toList()) {
      number++;
      String line = raw.strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      String assignment = EXPORT.matcher(line).replaceFirst("");
      int equals = assignment.indexOf('=');
      String name = equals < 0 ? "" : assignment.substring(0, equals).strip();
      if (!name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
        faults.add("line " + number + " is not NAME=value");
        continue;
      }
      String value = assignment.substring(equals + 1).strip();
      if (isQuoted(value) && closingQuote(value) < 0) {
        faults.add("line " + number + " has a quote without its closing one");
      }
      values.put(name, unquote(value));
    }
    return new DotEnv(values, faults);
  }

  private static boolean isQuoted(String value) {
    return value.startsWith("\"") || value.startsWith("'");
  }

  private static int closingQuote(String value) {
    return value.indexOf(value.charAt(0), 1);
  }

  private static String unquote(String value) {
    if (isQuoted(value)) {
      int end = closingQuote(value);
      return end < 0 ? value.substring(1) : value.substring(1, end);
    }
    if (value.startsWith("#")) {
      return "";
    }
    // A comment begins behind white space, so that a # inside a key stays part of it.
    return value.replaceFirst("\\s+#.*$", "").strip();
  }
}

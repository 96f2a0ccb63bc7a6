package freellmproxy.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The text of a {@code .env} file: {@code NAME=value} lines, comments, an optional {@code export},
 * single or double quotes. Of two lines with the same name the last one counts.
 *
 * @param malformed numbers of lines that are none of this, counted from 1
 */
record DotEnv(Map<String, String> values, List<Integer> malformed) {

  static DotEnv parse(String text) {
    var values = new LinkedHashMap<String, String>();
    var malformed = new ArrayList<Integer>();
    int number = 0;
    for (String raw : text.replace("\uFEFF", "").lines().toList()) {
      number++;
      String line = raw.strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      String assignment = line.startsWith("export ") ? line.substring(7).strip() : line;
      int equals = assignment.indexOf('=');
      String name = equals < 0 ? "" : assignment.substring(0, equals).strip();
      if (name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
        values.put(name, unquote(assignment.substring(equals + 1).strip()));
      } else {
        malformed.add(number);
      }
    }
    return new DotEnv(values, malformed);
  }

  private static String unquote(String value) {
    if (value.startsWith("\"") || value.startsWith("'")) {
      int end = value.indexOf(value.charAt(0), 1);
      if (end > 0) {
        return value.substring(1, end);
      }
    }
    if (value.startsWith("#")) {
      return "";
    }
    // A comment begins behind white space, so that a # inside a key stays part of it.
    return value.replaceFirst("\\s+#.*$", "").strip();
  }
}

package freellmproxy.config;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a {@code .env} file says: {@code NAME=value} lines, comments, an optional {@code export},
 * single or double quotes, behind which only a comment may stand. Of two lines with the same name
 * the last one counts.
 *
 * @param problems with the file, and with lines that are none of this; never their text
 * @param repeated names to which lines give different values
 */
record DotEnv(Map<String, String> values, List<Problem> problems, Set<String> repeated) {
  private static final String NAME = ".env";
  private static final Pattern EXPORT = Pattern.compile("^export\\s+");

  /** Reads a file; one that is missing says nothing. */
  static DotEnv read(Path file) {
    if (!Files.exists(file)) {
      return new DotEnv(Map.of(), List.of(), Set.of());
    }
    if (Files.isDirectory(file)) {
      return unreadable(
          "it is a folder",
          "Put a file in its place; Docker makes a folder of a file to mount that is missing.");
    }
    try {
      return parse(Files.readString(file));
    } catch (MalformedInputException e) {
      return unreadable("it is not UTF-8 text", "Save it as UTF-8.");
    } catch (IOException e) {
      return unreadable("it cannot be read", "Check who may read " + file + ".");
    }
  }

  /** The same, but these names are not in it. */
  DotEnv without(Set<String> names) {
    var left = new LinkedHashMap<>(values);
    left.keySet().removeAll(names);
    return new DotEnv(left, problems, repeated);
  }

  private static DotEnv unreadable(String fault, String fix) {
    return new DotEnv(Map.of(), List.of(new Problem(NAME, fault, fix)), Set.of());
  }

  private static DotEnv parse(String text) {
    var values = new LinkedHashMap<String, String>();
    var problems = new ArrayList<Problem>();
    var repeated = new LinkedHashSet<String>();
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
        problems.add(inLine(number, "is not NAME=value"));
        continue;
      }
      String value = assignment.substring(equals + 1).strip();
      if (isQuoted(value) && closingQuote(value) < 0) {
        problems.add(inLine(number, "has a quote without its closing one"));
      } else if (isQuoted(value) && !behindQuote(value).matches("(\\s*|\\s+#.*)")) {
        problems.add(inLine(number, "has text behind its closing quote"));
      }
      String old = values.put(name, unquote(value));
      if (old != null && !old.equals(unquote(value))) {
        repeated.add(name);
      }
    }
    return new DotEnv(values, problems, repeated);
  }

  private static Problem inLine(int number, String fault) {
    return new Problem(NAME, "line " + number + " " + fault, "Mend or remove the line.");
  }

  private static boolean isQuoted(String value) {
    return value.startsWith("\"") || value.startsWith("'");
  }

  private static int closingQuote(String value) {
    return value.indexOf(value.charAt(0), 1);
  }

  private static String behindQuote(String value) {
    return value.substring(closingQuote(value) + 1);
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

package freellmproxy.setup;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * Adds lines to a YAML file as a person would, so that its comments stay. What came of it is parsed
 * and compared with what was meant: a file that is written in an unusual way is refused, not
 * spoilt.
 *
 * @param needed the same as a document of its own: fields, or one list with one entry, nested at
 *     will
 */
record YamlMerge(String needed) implements Merge {

  @Override
  public String into(String old) throws UnmergeableFile {
    Map<String, Object> before = read(old);
    Map<String, Object> meant = merged(before, read(needed));
    if (meant.equals(before)) {
      return old;
    }
    var lines = new ArrayList<>(old.lines().toList());
    insert(lines, needed.lines().toList(), 0, lines.size());
    String text = String.join("\n", lines) + "\n";
    if (!meant.equals(read(text))) {
      throw new UnmergeableFile("it is written in a way that cannot be added to safely");
    }
    return text;
  }

  /** Puts a block of lines of one indentation between two lines. */
  private static void insert(List<String> lines, List<String> block, int from, int to) {
    int end = to;
    for (int start = 0; start < block.size(); ) {
      int next = start + 1;
      while (next < block.size() && indent(block.get(next)) > indent(block.get(start))) {
        next++;
      }
      int before = lines.size();
      insertField(lines, block.subList(start, next), from, end);
      end += lines.size() - before;
      start = next;
    }
  }

  private static void insertField(List<String> lines, List<String> field, int from, int to) {
    String name = name(field.getFirst());
    int at = from;
    while (at < to && !(name(lines.get(at)).equals(name) && isSibling(lines, at, from, to))) {
      at++;
    }
    if (at == to) {
      lines.addAll(to, field);
    } else if (field.size() == 1) {
      lines.set(
          at, lines.get(at).replaceFirst(":.*", "") + field.getFirst().replaceFirst("^[^:]*", ""));
    } else if (field.get(1).strip().startsWith("- ")) {
      int indent = firstChildIndent(lines, at);
      removeOldEntry(lines, field.get(1).strip(), at + 1, to, indent);
      lines.addAll(at + 1, reindented(field.subList(1, field.size()), indent));
    } else {
      int end = at + 1;
      while (end < to
          && (lines.get(end).isBlank() || indent(lines.get(end)) > indent(lines.get(at)))) {
        end++;
      }
      insert(lines, field.subList(1, field.size()), at + 1, end);
    }
  }

  /** One of a list that begins with this line, which an earlier setup has written. */
  private static void removeOldEntry(
      List<String> lines, String beginning, int from, int to, int indent) {
    for (int at = from; at < to; at++) {
      if (indent(lines.get(at)) == indent && lines.get(at).strip().equals(beginning)) {
        int end = at + 1;
        while (end < to && indent(lines.get(end)) > indent && !lines.get(end).isBlank()) {
          end++;
        }
        lines.subList(at, end).clear();
        return;
      }
    }
  }

  /** Whether a line belongs to the block itself, not to something within it. */
  private static boolean isSibling(List<String> lines, int at, int from, int to) {
    int least = Integer.MAX_VALUE;
    for (String line : lines.subList(from, to)) {
      if (!name(line).isEmpty()) {
        least = Math.min(least, indent(line));
      }
    }
    return indent(lines.get(at)) == least;
  }

  private static int firstChildIndent(List<String> lines, int parent) {
    for (String line : lines.subList(parent + 1, lines.size())) {
      if (!line.isBlank() && !line.strip().startsWith("#")) {
        boolean isChild =
            line.strip().startsWith("- ") && indent(line) >= indent(lines.get(parent));
        return isChild ? indent(line) : indent(lines.get(parent)) + 2;
      }
    }
    return indent(lines.get(parent)) + 2;
  }

  private static List<String> reindented(List<String> block, int indent) {
    int was = indent(block.getFirst());
    return block.stream().map(line -> " ".repeat(indent) + line.substring(was)).toList();
  }

  private static int indent(String line) {
    return line.length() - line.stripLeading().length();
  }

  /** The field that a line begins; empty for comments and entries of lists. */
  private static String name(String line) {
    String text = line.strip();
    int colon = text.indexOf(':');
    return colon < 0 || text.startsWith("#") || text.startsWith("-")
        ? ""
        : text.substring(0, colon);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> read(String text) throws UnmergeableFile {
    try {
      @Nullable Object root = new Yaml(new SafeConstructor(new LoaderOptions())).load(text);
      if (root == null) {
        return Map.of();
      }
      if (root instanceof Map<?, ?> map) {
        return (Map<String, Object>) map;
      }
      throw new UnmergeableFile("it is not a YAML mapping");
    } catch (YAMLException e) {
      throw new UnmergeableFile(
          "it is not YAML: " + String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
    }
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> merged(Map<String, Object> old, Map<String, Object> more) {
    var result = new LinkedHashMap<>(old);
    more.forEach((key, value) -> {
      Object before = old.get(key);
      if (value instanceof Map<?, ?> map && before instanceof Map<?, ?> oldMap) {
        result.put(key, merged((Map<String, Object>) oldMap, (Map<String, Object>) map));
      } else if (value instanceof List<?> list && before instanceof List<?> oldList) {
        result.put(key, oldList.containsAll(list) ? oldList : joined(list, others(oldList, list)));
      } else {
        result.put(key, value);
      }
    });
    return result;
  }

  /** Those entries of a list whose name none of the new ones has. */
  private static List<?> others(List<?> old, List<?> more) {
    Set<Object> names = new HashSet<>();
    more.forEach(entry -> nameOf(entry).ifPresent(names::add));
    return old.stream().filter(entry -> nameOf(entry).filter(names::contains).isEmpty()).toList();
  }

  private static Optional<Object> nameOf(Object entry) {
    return entry instanceof Map<?, ?> map ? Optional.ofNullable(map.get("name")) : Optional.empty();
  }

  private static List<Object> joined(List<?> first, List<?> second) {
    var all = new ArrayList<Object>(first);
    all.addAll(second);
    return all;
  }
}

package freellmproxy.setup;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 * <p>An entry of a list that has the same {@code name} is the one that an earlier run wrote: its
 * fields are set, those that somebody has added to it stay.
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
  private static void insert(List<String> lines, List<String> asNeeded, int from, int to) {
    int siblings = leastIndent(lines, from, to);
    // A file is indented as its owner likes.
    List<String> block = siblings == Integer.MAX_VALUE ? asNeeded : reindented(asNeeded, siblings);
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
      insertEntry(lines, field.subList(1, field.size()), at, to);
    } else {
      int end = endOf(lines, at, to);
      insert(lines, field.subList(1, field.size()), at + 1, end);
    }
  }

  /** Where what belongs to a line ends: behind all that is indented more. */
  private static int endOf(List<String> lines, int at, int to) {
    int end = at + 1;
    while (end < to
        && (lines.get(end).isBlank() || indent(lines.get(end)) > indent(lines.get(at)))) {
      end++;
    }
    return end;
  }

  /** Puts an entry first in the list below a line, or into the entry that is already there. */
  private static void insertEntry(List<String> lines, List<String> entry, int parent, int to) {
    int indent = firstChildIndent(lines, parent);
    for (int at = parent + 1; at < to && indent(lines.get(at)) >= indent; at++) {
      boolean isEntry = indent(lines.get(at)) == indent && isEntry(lines.get(at));
      int end = isEntry ? endOf(lines, at, to) : at;
      if (isEntry && nameOf(lines.subList(at, end)).equals(nameOf(entry))) {
        lines.set(at, withoutDash(lines.get(at)));
        var fields = new ArrayList<>(entry);
        fields.set(0, withoutDash(fields.getFirst()));
        insert(lines, fields, at, endOfText(lines, end));
        String first = lines.get(at);
        lines.set(at, first.substring(0, indent) + "-" + first.substring(indent + 1));
        return;
      }
    }
    lines.addAll(parent + 1, reindented(entry, indent));
  }

  private static boolean isEntry(String line) {
    return line.strip().startsWith("-");
  }

  /** Its fields stand in one column then, as those of any block. */
  private static String withoutDash(String line) {
    return line.replaceFirst("-", " ");
  }

  /** An empty line before the next entry stays before it. */
  private static int endOfText(List<String> lines, int end) {
    int last = end;
    while (lines.get(last - 1).isBlank()) {
      last--;
    }
    return last;
  }

  /** What the entry's field {@code name} says; empty when it has none. */
  private static Object nameOf(List<String> entry) {
    Object parsed = parse(String.join("\n", entry));
    return parsed instanceof List<?> list ? nameOf(list.getFirst()) : "";
  }

  private static Object nameOf(@Nullable Object entry) {
    return entry instanceof Map<?, ?> fields && fields.get("name") instanceof String name
        ? name
        : "";
  }

  /** Whether a line belongs to the block itself, not to something within it. */
  private static boolean isSibling(List<String> lines, int at, int from, int to) {
    return indent(lines.get(at)) == leastIndent(lines, from, to);
  }

  /** That of the fields among these lines. */
  private static int leastIndent(List<String> lines, int from, int to) {
    return lines.subList(from, to).stream()
        .filter(line -> !name(line).isEmpty())
        .mapToInt(YamlMerge::indent)
        .min()
        .orElse(Integer.MAX_VALUE);
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
      @Nullable Object root = parse(text);
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

  private static @Nullable Object parse(String text) {
    return new Yaml(new SafeConstructor(new LoaderOptions())).load(text);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> merged(Map<String, Object> old, Map<String, Object> more) {
    var result = new LinkedHashMap<>(old);
    more.forEach((key, value) -> {
      Object before = old.get(key);
      if (value instanceof Map<?, ?> map && before instanceof Map<?, ?> oldMap) {
        result.put(key, merged((Map<String, Object>) oldMap, (Map<String, Object>) map));
      } else if (value instanceof List<?> list
          && list.getFirst() instanceof Map
          && before instanceof List<?> oldList) {
        result.put(key, joined(list, oldList));
      } else {
        result.put(key, value);
      }
    });
    return result;
  }

  /** Entries of the old list stay where they are; what is new comes first. */
  @SuppressWarnings("unchecked")
  private static List<Object> joined(List<?> needed, List<?> old) {
    var all = new ArrayList<Object>(old);
    for (Object entry : needed) {
      int own = old.stream().map(YamlMerge::nameOf).toList().indexOf(nameOf(entry));
      if (entry instanceof Map<?, ?> fields
          && own >= 0
          && old.get(own) instanceof Map<?, ?> before) {
        all.set(own, merged((Map<String, Object>) before, (Map<String, Object>) fields));
      } else if (!all.contains(entry)) {
        all.addFirst(entry);
      }
    }
    return all;
  }
}

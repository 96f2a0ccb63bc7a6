package freellmproxy.catalog;

import freellmproxy.json.JsonCursor;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One entry of the list as it was read.
 *
 * @param model its id is empty when the entry has none that can be used
 * @param rank {@link Double#MAX_VALUE} when the list does not say
 */
record ModelEntry(Model model, double rank) {
  private static final int LONGEST_ID = 200;
  private static final int LONGEST_NAME = 200;

  String id() {
    return model.id();
  }

  /** Reads the value that comes next, whatever it is. */
  static ModelEntry read(ListCursor list) {
    var fields = new Fields();
    JsonCursor json = list.json();
    if (json.kind() == JsonCursor.Kind.OBJECT) {
      for (boolean more = json.enterObject(); more; more = json.nextField()) {
        fields.read(list);
      }
    } else {
      json.skip();
    }
    return fields.entry();
  }

  /** Its fields while they are read. Of one that comes twice the last one counts. */
  private static final class Fields {
    private static final List<Capability> FLAGS = List.of(Capability.values());

    private @Nullable String id;
    private @Nullable String name;
    private @Nullable Double rank;
    private @Nullable Double contextLength;
    private @Nullable Double maxCompletionTokens;
    private final Set<Capability> supported = EnumSet.noneOf(Capability.class);
    private final Set<Capability> unsupported = EnumSet.noneOf(Capability.class);

    void read(ListCursor list) {
      JsonCursor json = list.json();
      if (json.nameIs("id")) {
        id = list.text(LONGEST_ID);
      } else if (json.nameIs("name")) {
        name = list.text(LONGEST_NAME);
      } else if (json.nameIs("rank")) {
        rank = list.number();
      } else if (json.nameIs("contextLength")) {
        contextLength = list.number();
      } else if (json.nameIs("maxCompletionTokens")) {
        maxCompletionTokens = list.number();
      } else {
        readFlag(list);
      }
    }

    private void readFlag(ListCursor list) {
      for (Capability capability : FLAGS) {
        if (list.json().nameIs(capability.flag())) {
          supported.remove(capability);
          unsupported.remove(capability);
          Boolean flag = list.flag();
          if (flag != null) {
            (flag ? supported : unsupported).add(capability);
          }
          return;
        }
      }
      list.json().skip();
    }

    ModelEntry entry() {
      return new ModelEntry(
          new Model(
              id == null ? "" : id,
              name,
              count(contextLength),
              count(maxCompletionTokens),
              supported,
              unsupported),
          rank == null ? Double.MAX_VALUE : rank);
    }

    private static @Nullable Long count(@Nullable Double number) {
      return number != null && number >= 1 ? Long.valueOf(number.longValue()) : null;
    }
  }
}

package freellmproxy.catalog;

import com.fasterxml.jackson.databind.JsonNode;
import freellmproxy.json.JsonTree;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Reads the ranked list as it comes (contract section 2): only an id is required, a field of the
 * wrong type counts as missing, what is unknown is ignored. Pure.
 */
public final class CatalogParser {
  /** Far more than OpenRouter has models. */
  private static final int MOST_ENTRIES = 10_000;

  private static final int LONGEST_ID = 200;

  private final Predicate<String> isAllowed;

  /**
   * A parser for one upstream.
   *
   * @param isAllowed ids it refuses are left out with a warning (contract section 9, FREE_ONLY)
   */
  public CatalogParser(Predicate<String> isAllowed) {
    this.isAllowed = isAllowed;
  }

  /** What came of reading a list. */
  public sealed interface Result {
    /** A list with at least one model, by rank. */
    record Parsed(List<Model> models, List<String> warnings) implements Result {}

    /** Nothing usable. */
    record Unusable(FetchFailure failure) implements Result {}
  }

  private record Ranked(Model model, double rank) {}

  /** Reads an answer of the list's server. */
  public Result parse(byte[] json) {
    JsonNode root;
    try {
      root = JsonTree.read(json);
    } catch (IOException e) {
      return new Result.Unusable(
          new FetchFailure(FetchFailure.Type.NOT_JSON, "the answer is not JSON"));
    }
    JsonNode entries = root.isArray() ? root : root.path("models");
    if (!entries.isArray()) {
      return new Result.Unusable(
          new FetchFailure(FetchFailure.Type.NO_USABLE_ENTRY, "the answer has no array `models`"));
    }
    return read(entries);
  }

  private Result read(JsonNode entries) {
    var warnings = new ArrayList<String>();
    Map<String, Ranked> byId = new HashMap<>();
    List<String> order = new ArrayList<>();
    int number = 0;
    for (JsonNode entry : entries) {
      if (++number > MOST_ENTRIES) {
        warnings.add("the list has more than " + MOST_ENTRIES + " entries; the rest is ignored");
        break;
      }
      String id = entry.path("id").isTextual() ? entry.path("id").textValue().strip() : "";
      Optional<String> fault = fault(id);
      if (fault.isPresent()) {
        warnings.add("entry " + number + " is skipped: " + fault.get());
        continue;
      }
      Ranked ranked = new Ranked(model(id, entry), rank(entry));
      Ranked known = byId.get(id);
      if (known == null) {
        order.add(id);
      }
      if (known == null || ranked.rank() < known.rank()) {
        byId.put(id, ranked);
      }
    }
    List<Model> models =
        order.stream()
            .map(byId::get)
            // The sort is stable: entries without a rank stay last, in list order.
            .sorted(Comparator.comparingDouble(Ranked::rank))
            .map(Ranked::model)
            .toList();
    return models.isEmpty()
        ? new Result.Unusable(
            new FetchFailure(
                FetchFailure.Type.NO_USABLE_ENTRY, "the list has no entry that can be used"))
        : new Result.Parsed(models, warnings);
  }

  private Optional<String> fault(String id) {
    if (id.isEmpty()) {
      return Optional.of("it has no id");
    }
    // Ids go into headers, log lines and metric labels.
    boolean isPlain = id.chars().allMatch(c -> c > ' ' && c < 0x7f);
    if (id.length() > LONGEST_ID || !isPlain) {
      return Optional.of("its id cannot be used in a header");
    }
    return isAllowed.test(id)
        ? Optional.empty()
        : Optional.of(id + " is not known to be free (FREE_ONLY)");
  }

  private static double rank(JsonNode entry) {
    JsonNode rank = entry.path("rank");
    return rank.isNumber() ? rank.doubleValue() : Double.MAX_VALUE;
  }

  private static Model model(String id, JsonNode entry) {
    Set<Capability> supported = EnumSet.noneOf(Capability.class);
    Set<Capability> unsupported = EnumSet.noneOf(Capability.class);
    for (Capability capability : Capability.values()) {
      JsonNode flag = entry.path(capability.flag());
      if (flag.isBoolean()) {
        (flag.booleanValue() ? supported : unsupported).add(capability);
      }
    }
    JsonNode name = entry.path("name");
    return new Model(
        id,
        name.isTextual() ? name.textValue() : null,
        count(entry.path("contextLength")),
        count(entry.path("maxCompletionTokens")),
        supported,
        unsupported);
  }

  private static @Nullable Long count(JsonNode number) {
    return number.isNumber() && number.doubleValue() >= 1 ? Long.valueOf(number.longValue()) : null;
  }
}

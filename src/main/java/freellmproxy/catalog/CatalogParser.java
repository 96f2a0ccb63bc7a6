package freellmproxy.catalog;

import freellmproxy.config.Globs;
import freellmproxy.config.Settings;
import freellmproxy.json.ByteOrderMark;
import freellmproxy.json.JsonCursor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Reads the ranked list as it comes (contract section 2): only an id is required, a field of the
 * wrong type counts as missing, what is unknown is passed over. Pure.
 *
 * <p>It makes no tree of it: that of 16 MB of {@code {"a":{}},} is larger than the heap. What it
 * keeps is bounded by the number of entries and the length of their texts, whatever the list is.
 */
public final class CatalogParser {
  /** Far more than OpenRouter has models. */
  private static final int MOST_ENTRIES = 10_000;

  /** More of them say nothing new. */
  private static final int MOST_WARNINGS = 20;

  /** An ISO 8601 time is shorter. */
  private static final int LONGEST_TIME = 40;

  private final Predicate<String> isAllowed;
  private final Globs denied;

  /**
   * A parser for one upstream.
   *
   * @param isAllowed ids it refuses are left out with a warning (contract section 9, FREE_ONLY)
   */
  public CatalogParser(Predicate<String> isAllowed) {
    this(isAllowed, Globs.NONE);
  }

  /** The same, but these are left out without a word: that is meant. */
  public CatalogParser(Predicate<String> isAllowed, Globs denied) {
    this.isAllowed = isAllowed;
    this.denied = denied;
  }

  /** One as the settings have it. */
  public static CatalogParser of(Settings settings) {
    return new CatalogParser(settings.upstream()::allows, settings.modelList().denied());
  }

  /** What came of reading a list. */
  public sealed interface Result {
    /**
     * A list with at least one model.
     *
     * @param models by rank
     * @param warnings about entries that are left out, the first few
     * @param moreWarnings how many there were beyond those
     * @param updatedAt when the list was made, in its own words; null when it does not say
     */
    record Parsed(
        List<Model> models, List<String> warnings, int moreWarnings, @Nullable String updatedAt)
        implements Result {}

    /** Nothing usable. */
    record Unusable(FetchFailure failure) implements Result {}

    /** Nothing usable, for this reason. */
    static Unusable unusable(FetchFailure.Type type, String error) {
      return new Unusable(FetchFailure.of(type, error));
    }
  }

  /** Reads an answer of the list's server. */
  public Result parse(byte[] json) {
    return parse(json, json.length);
  }

  /** Reads an answer that fills an array up to {@code length}. */
  public Result parse(byte[] json, int length) {
    return ByteOrderMark.isAt(json, 0, length)
        ? parse(Arrays.copyOfRange(json, ByteOrderMark.LENGTH, length))
        : new Reading(json, length).read();
  }

  /** One list while it is read. */
  private final class Reading {
    private final ListCursor list;
    private final boolean isPage;
    private final boolean isEmpty;

    /** By id, in list order; null while there is no array of them. */
    private @Nullable Map<String, ModelEntry> entries;

    private final List<String> warnings = new ArrayList<>();
    private int moreWarnings;
    private int deniedEntries;
    private int elements;
    private int notAllowed;
    private @Nullable String updatedAt;

    Reading(byte[] json, int length) {
      this.list = new ListCursor(json, length);
      this.isPage = beginsLikeAPage(json, length);
      this.isEmpty = length == 0;
    }

    Result read() {
      JsonCursor json = list.json();
      switch (json.kind()) {
        case ARRAY -> readEntries();
        case OBJECT -> {
          for (boolean more = json.enterObject(); more; more = json.nextField()) {
            readField();
          }
        }
        case STRING, NUMBER, TRUE, FALSE, NULL, NONE -> json.skip();
      }
      if (json.fault() != null) {
        return Result.unusable(FetchFailure.Type.NOT_JSON, noJson(json.fault()));
      }
      return result();
    }

    private String noJson(JsonCursor.Fault fault) {
      if (fault == JsonCursor.Fault.TOO_DEEP) {
        return "the answer is nested too deeply";
      }
      return isEmpty
          ? "the answer is empty"
          : isPage ? FetchFailure.PAGE : "the answer is not JSON";
    }

    /** Of a field that comes twice the last one counts. */
    private void readField() {
      JsonCursor json = list.json();
      if (json.nameIs("updatedAt")) {
        updatedAt = list.text(LONGEST_TIME);
      } else if (json.nameIs("models")) {
        entries = null;
        warnings.clear();
        moreWarnings = 0;
        deniedEntries = 0;
        notAllowed = 0;
        if (json.kind() == JsonCursor.Kind.ARRAY) {
          readEntries();
        } else {
          json.skip();
        }
      } else {
        json.skip();
      }
    }

    private void readEntries() {
      JsonCursor json = list.json();
      var read = new LinkedHashMap<String, ModelEntry>();
      int number = 0;
      for (boolean more = json.enterArray(); more; more = json.nextElement()) {
        if (++number <= MOST_ENTRIES) {
          readEntry(number, read);
        } else {
          json.skip();
        }
      }
      if (number > MOST_ENTRIES) {
        warn("the list has more than " + MOST_ENTRIES + " entries; the rest is ignored");
      }
      entries = read;
      elements = number;
    }

    private void readEntry(int number, Map<String, ModelEntry> read) {
      ModelEntry entry = ModelEntry.read(list);
      Optional<String> fault = fault(entry);
      if (denied.match(entry.id())) {
        deniedEntries++;
      } else if (fault.isPresent()) {
        notAllowed += isAllowed.test(entry.id()) ? 0 : 1;
        warn("entry " + number + " is skipped: " + fault.get());
      } else {
        read.merge(entry.id(), entry, (old, other) -> other.rank() < old.rank() ? other : old);
      }
    }

    private void warn(String warning) {
      if (warnings.size() < MOST_WARNINGS) {
        warnings.add(warning);
      } else {
        moreWarnings++;
      }
    }

    private Result result() {
      if (entries == null) {
        return Result.unusable(
            FetchFailure.Type.NO_USABLE_ENTRY, "the answer has no array `models`");
      }
      List<Model> models =
          entries.values().stream()
              // The sort is stable: entries without a rank stay last, in list order.
              .sorted(Comparator.comparingDouble(ModelEntry::rank))
              .map(ModelEntry::model)
              .toList();
      return models.isEmpty()
          ? new Result.Unusable(nothingUsable())
          : new Result.Parsed(models, List.copyOf(warnings), moreWarnings, updatedAt);
    }

    private FetchFailure nothingUsable() {
      FetchFailure.Type type = FetchFailure.Type.NO_USABLE_ENTRY;
      if (elements == 0) {
        return FetchFailure.of(type, "the list is empty");
      }
      if (deniedEntries > 0) {
        return new FetchFailure(
            type,
            "of the list's %d entries MODELS_DENY leaves out %d, and none of the others can be used"
                .formatted(elements, deniedEntries),
            "Name fewer models in MODELS_DENY.");
      }
      return notAllowed == 0
          ? FetchFailure.of(type, "the list has no entry that can be used")
          : new FetchFailure(
              type,
              "none of the list's %d entries is free by its id, and FREE_ONLY=true asks no others"
                  .formatted(elements),
              "Check MODELS_LIST_URL: free ids end in `:free`. FREE_ONLY=false would ask the"
                  + " others, which cost money.");
    }
  }

  private static boolean beginsLikeAPage(byte[] text, int length) {
    int at = 0;
    while (at < length && text[at] <= ' ') {
      at++;
    }
    return at < length && text[at] == '<';
  }

  private Optional<String> fault(ModelEntry entry) {
    String id = entry.id();
    if (id.isEmpty()) {
      return Optional.of("it has no id, or a far too long one");
    }
    // Ids go into headers, log lines and metric labels.
    if (!id.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
      return Optional.of("its id cannot be used in a header");
    }
    return isAllowed.test(id)
        ? Optional.empty()
        : Optional.of(id + " is not known to be free (FREE_ONLY)");
  }
}

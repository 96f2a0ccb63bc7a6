package freellmproxy.routing;

import freellmproxy.catalog.Capability;
import freellmproxy.catalog.Catalog;
import freellmproxy.catalog.Model;
import freellmproxy.chat.Requirements;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which models can do what a request needs, in the order they are to be asked (contract section 4).
 * Whether a model rests is asked when its turn comes, since that may change while an earlier
 * candidate is being tried.
 *
 * <p>Requests need few different things, so each list is sorted once for each of them. For one
 * event loop.
 */
public final class CandidateSelector {
  private final Map<Set<Capability>, Selection> selections = new HashMap<>();
  private long generation;

  /**
   * A catalog sorted by what one request needs.
   *
   * @param candidates by rank, models that are only not known to lack something behind all others
   * @param filteredOut models that lack something, by rank
   * @param missing what stands in the way when there is no candidate, empty otherwise
   */
  public record Selection(
      Catalog catalog,
      List<Model> candidates,
      RestingHead restingHead,
      List<Model> filteredOut,
      Set<Capability> missing) {

    Selection(
        Catalog catalog, List<Model> candidates, List<Model> filteredOut, Set<Capability> missing) {
      this(catalog, candidates, new RestingHead(candidates), filteredOut, missing);
    }
  }

  /** Sorts a catalog by what a request needs. */
  public Selection select(Catalog catalog, Requirements requirements) {
    if (catalog.generation() != generation) {
      generation = catalog.generation();
      selections.clear();
    }
    return selections.computeIfAbsent(requirements.capabilities(), needs -> sorted(catalog, needs));
  }

  private static Selection sorted(Catalog catalog, Set<Capability> needs) {
    if (needs.isEmpty()) {
      return new Selection(catalog, catalog.models(), List.of(), Set.of());
    }
    var candidates = new ArrayList<Model>();
    var unknown = new ArrayList<Model>();
    var filteredOut = new ArrayList<Model>();
    for (Model model : catalog.models()) {
      if (model.supported().containsAll(needs)) {
        candidates.add(model);
      } else if (needs.stream().anyMatch(model.unsupported()::contains)) {
        filteredOut.add(model);
      } else {
        unknown.add(model);
      }
    }
    candidates.addAll(unknown);
    return new Selection(
        catalog,
        List.copyOf(candidates),
        List.copyOf(filteredOut),
        candidates.isEmpty() ? missing(catalog, needs) : Set.of());
  }

  /** What no model offers; where each need alone is met by some model, all of them together. */
  private static Set<Capability> missing(Catalog catalog, Set<Capability> needs) {
    var missing = EnumSet.copyOf(needs);
    for (Model model : catalog.models()) {
      missing.removeIf(need -> !model.unsupported().contains(need));
    }
    return missing.isEmpty() ? needs : missing;
  }
}

package freellmproxy.catalog;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * An immutable snapshot of the list.
 *
 * @param generation grows by one with every snapshot; 0 is the empty one before the first
 * @param fetchedAt when the list was read, by the wall clock
 * @param models by rank, best first, ids unique
 */
public record Catalog(long generation, Instant fetchedAt, List<Model> models) {
  public static final Catalog EMPTY = new Catalog(0, Instant.EPOCH, List.of());

  public Catalog {
    models = List.copyOf(models);
  }

  public boolean isEmpty() {
    return models.isEmpty();
  }

  public Optional<Model> find(String id) {
    return models.stream().filter(model -> model.id().equals(id)).findFirst();
  }
}

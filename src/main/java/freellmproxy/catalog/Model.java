package freellmproxy.catalog;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One entry of the list.
 *
 * @param name null when the list does not say; so for the two limits
 * @param contextLength tokens
 * @param maxCompletionTokens tokens
 * @param supported flags that were true
 * @param unsupported flags that were false; what is in neither set is unknown
 */
public record Model(
    String id,
    @Nullable String name,
    @Nullable Long contextLength,
    @Nullable Long maxCompletionTokens,
    Set<Capability> supported,
    Set<Capability> unsupported) {

  public Model {
    supported = Set.copyOf(supported);
    unsupported = Set.copyOf(unsupported);
  }
}

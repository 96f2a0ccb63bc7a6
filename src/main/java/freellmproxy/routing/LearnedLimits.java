package freellmproxy.routing;

import freellmproxy.catalog.Capability;
import freellmproxy.catalog.Model;
import freellmproxy.chat.Requirements;
import freellmproxy.chat.Requirements.Input;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What refusals have taught that the list does not say: a model that cannot use tools, or cannot
 * read images. Kept until the list is read again, so that the same kind of request does not spend
 * another of the account's calls on finding out (contract section 5, {@code model_unfit}).
 *
 * <p>Thread-safe.
 */
public final class LearnedLimits {
  private final ConcurrentHashMap<String, Set<Capability>> capabilities = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, Set<Input>> inputs = new ConcurrentHashMap<>();

  public void lacks(Model model, Capability capability) {
    capabilities.computeIfAbsent(model.id(), id -> ConcurrentHashMap.newKeySet()).add(capability);
  }

  public void cannotRead(Model model, Input input) {
    inputs.computeIfAbsent(model.id(), id -> ConcurrentHashMap.newKeySet()).add(input);
  }

  /** Whether the model has refused a request with one of these needs before. */
  public boolean rulesOut(Model model, Requirements requirements) {
    return containsAny(capabilities.get(model.id()), requirements.capabilities())
        || containsAny(inputs.get(model.id()), requirements.inputs());
  }

  private static <T> boolean containsAny(@Nullable Set<T> learned, Collection<T> needs) {
    return learned != null && needs.stream().anyMatch(learned::contains);
  }

  /** A new list was read: the world may have changed. */
  public void forget() {
    capabilities.clear();
    inputs.clear();
  }
}

package freellmproxy.upstream;

import freellmproxy.catalog.Capability;
import freellmproxy.chat.Requirements.Input;
import org.jspecify.annotations.Nullable;

/** Why a model cannot do one particular request. */
public sealed interface Unfit {

  /** It lacks a capability of section 4 that the request needs. */
  record Lacks(Capability capability) implements Unfit {}

  /** It lacks something the list has no flag for. */
  record CannotRead(Input input) implements Unfit {}

  /**
   * The conversation is longer than its window.
   *
   * @param window tokens, as the refusal named them; null when it did not
   */
  record ContextTooLong(@Nullable Long window) implements Unfit {}

  /** The combination of parameters of this request; nothing to remember it by. */
  record Parameters() implements Unfit {}
}

package freellmproxy.chat;

import freellmproxy.catalog.Capability;
import java.util.Set;

/**
 * What a model must be able to do to answer one request (contract section 4).
 *
 * @param capabilities those the list has flags for
 * @param inputs kinds of input beside text; the list says nothing about them, but refusals teach
 */
public record Requirements(Set<Capability> capabilities, Set<Input> inputs) {
  public static final Requirements NONE = new Requirements(Set.of(), Set.of());

  public Requirements {
    capabilities = Set.copyOf(capabilities);
    inputs = Set.copyOf(inputs);
  }

  /** Kinds of message content beside text. */
  public enum Input {
    IMAGE,
    AUDIO,
    FILE
  }
}

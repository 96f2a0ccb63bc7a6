package freellmproxy.upstream;

import freellmproxy.catalog.Capability;
import freellmproxy.chat.Requirements.Input;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Why OpenRouter finds no host of a model for a request ({@code docs/upstream.md} section 1): 404
 * "No endpoints found that support …". That beginning has to be there, since hosts say "support" of
 * anything. Pure.
 */
final class Mismatch {
  private Mismatch() {}

  /** What {@code constraint_filtered} filtered by. */
  static Unfit filteredBy(String excludedBy) {
    return excludedBy.contains("context_length")
        ? new Unfit.ContextTooLong(null)
        : new Unfit.Parameters();
  }

  /**
   * What the model that was asked lacks for the request, in a text in lower case; null: nothing.
   */
  static @Nullable Unfit saidIn(String text) {
    if (ErrorPhrases.anyIn(text, ErrorPhrases.ENDPOINT_CANNOT)) {
      return new Unfit.Parameters();
    }
    if (!mentions(text, "no endpoints found")) {
      return null;
    }
    if (mentions(text, "support tool use")) {
      return new Unfit.Lacks(Capability.TOOLS);
    }
    if (mentions(text, "'tool_choice' value")) {
      return new Unfit.Lacks(Capability.TOOL_CHOICE);
    }
    if (mentions(text, "support image input")) {
      return new Unfit.CannotRead(Input.IMAGE);
    }
    if (mentions(text, "support audio input", "support input audio")) {
      return new Unfit.CannotRead(Input.AUDIO);
    }
    if (mentions(text, "support file input")) {
      return new Unfit.CannotRead(Input.FILE);
    }
    return mentions(
            text,
            "can handle the requested parameters",
            "requested output modalities",
            "that support")
        ? new Unfit.Parameters()
        : null;
  }

  private static boolean mentions(String text, String... phrases) {
    return ErrorPhrases.anyIn(text, List.of(phrases));
  }
}

package freellmproxy.exchange;

import java.util.List;
import java.util.Locale;

/**
 * Whether a text is a tool call that a model wrote as it was trained to, and that its server did
 * not understand: what Hermes, Qwen, Llama, Mistral, DeepSeek, Kimi, MiniMax, Phi, Gemini and
 * Anthropic's old form begin with. Only the beginning counts, since a text may well talk about
 * these.
 */
enum SpokenCall {
  CALL,
  /** It may become one with what follows. */
  PERHAPS,
  NONE;

  private static final List<String> OPENINGS =
      List.of(
          "<tool_call",
          "<tool_use",
          "<toolcall",
          "<function=",
          "<function_call",
          "<functioncall",
          "<invoke name=",
          "<minimax:tool_call",
          "<seed:tool_call",
          "<longcat_tool_call",
          "<|tool",
          "<|python_tag|>",
          "<|channel|>commentary",
          "<\uFF5Ctool",
          "[tool_call",
          "functools[",
          "```tool_c");

  private static final int LONGEST = OPENINGS.stream().mapToInt(String::length).max().orElseThrow();

  static SpokenCall in(String text) {
    String stripped = text.stripLeading();
    String begin =
        stripped.substring(0, Math.min(stripped.length(), LONGEST)).toLowerCase(Locale.ROOT);
    for (String opening : OPENINGS) {
      if (begin.startsWith(opening)) {
        return CALL;
      }
    }
    return OPENINGS.stream().anyMatch(opening -> opening.startsWith(begin)) ? PERHAPS : NONE;
  }
}

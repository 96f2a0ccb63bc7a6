package freellmproxy.config;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Whose key a text seems to be, by how it begins. Such a text is never shown whole. */
public final class KeyShape {
  /** What OpenRouter's own begin with. */
  public static final String OPENROUTER = "OpenRouter";

  private static final Map<String, String> PROVIDERS =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("sk-or-", OPENROUTER),
              Map.entry("sk-ant-", "Anthropic"),
              Map.entry("sk-proj-", "OpenAI"),
              Map.entry("sk-svcacct-", "OpenAI"),
              Map.entry("gsk_", "Groq"),
              Map.entry("aiza", "Google"),
              Map.entry("xai-", "xAI"),
              Map.entry("nvapi-", "NVIDIA"),
              Map.entry("csk-", "Cerebras"),
              Map.entry("pplx-", "Perplexity"),
              Map.entry("hf_", "Hugging Face"),
              Map.entry("ghp_", "GitHub"),
              Map.entry("github_pat_", "GitHub")));

  private KeyShape() {}

  /** The name of the provider; empty when it looks like nobody's. */
  public static Optional<String> provider(String text) {
    String begin = text.toLowerCase(Locale.ROOT);
    return PROVIDERS.entrySet().stream()
        .filter(provider -> begin.startsWith(provider.getKey()))
        .map(Map.Entry::getValue)
        .findFirst();
  }
}

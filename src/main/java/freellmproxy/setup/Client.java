package freellmproxy.setup;

import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The clients that can be set up, and what each one needs. */
public enum Client {
  QWEN(
      ".qwen/settings.json",
      """
      {"modelProviders":{"openai":[{"id":"free-model","name":"free-llm-proxy","baseUrl":"URL/api/v1","envKey":"PROXY_API_KEY"}]},
       "security":{"auth":{"selectedType":"openai"}},"model":{"name":"free-model"}}
      """,
      "Qwen Code reads the key from the environment: export PROXY_API_KEY=..."),
  OPENCODE(
      ".config/opencode/opencode.json",
      """
      {"$schema":"https://opencode.ai/config.json",
       "provider":{"free-llm-proxy":{"npm":"@ai-sdk/openai-compatible","name":"free-llm-proxy",
         "options":{"baseURL":"URL/v1","apiKey":"{env:PROXY_API_KEY}"},
         "models":{"free-model":{"name":"free-model"}}}},
       "model":"free-llm-proxy/free-model"}
      """,
      "opencode reads the key from the environment: export PROXY_API_KEY=..."),
  CLINE(
      null,
      """
      API Provider       OpenAI Compatible
      Base URL           URL/v1
      OpenAI API Key     the value of PROXY_API_KEY
      Model ID           free-model
      """,
      "Cline keeps its key in the editor's secret store: enter these in its settings."),
  AIDER(
      ".aider.conf.yml",
      """
      openai-api-base: URL/v1
      model: openai/free-model
      """,
      "Aider reads the key from the environment: export OPENAI_API_KEY=\"$PROXY_API_KEY\""),
  CONTINUE(
      ".continue/config.yaml",
      """
      name: free-llm-proxy
      version: 1.0.0
      schema: v1
      models:
        - name: free-llm-proxy
          provider: openai
          model: free-model
          apiBase: URL/v1
          apiKey: ${{ secrets.PROXY_API_KEY }}
      """,
      "Continue reads the key from .continue/.env in your home folder: PROXY_API_KEY=..."),
  OPENWEBUI(
      null,
      """
      OPENAI_API_BASE_URL=URL/v1
      OPENAI_API_KEY=<the value of PROXY_API_KEY>
      """,
      "The environment of Open WebUI. From its container the proxy's host is"
          + " host.docker.internal."),
  LIBRECHAT(
      null,
      """
      endpoints:
        custom:
          - name: free-llm-proxy
            baseURL: URL/v1
            apiKey: ${PROXY_API_KEY}
            models:
              default: [free-model]
              fetch: true
      """,
      "For librechat.yaml; say where it is with --file. LibreChat reads PROXY_API_KEY from its"
          + " .env."),
  ENV(
      null,
      """
      export OPENAI_BASE_URL=URL/v1
      export OPENAI_API_KEY="$PROXY_API_KEY"
      """,
      "Any OpenAI SDK reads these from the environment.");

  private final @Nullable String file;
  private final String needed;
  private final String note;

  Client(@Nullable String file, String needed, String note) {
    this.file = file;
    this.needed = needed;
    this.note = note;
  }

  /** Its usual file, relative to the home folder; empty where there is no usual place. */
  public Optional<String> file() {
    return Optional.ofNullable(file);
  }

  /** Its name as the command line takes it. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What a person should know besides. */
  public String note() {
    return note;
  }

  /** How its file takes what it needs; empty for clients that have no file to merge into. */
  Optional<Merge> merge(String url) {
    String text = neededFor(url);
    return switch (this) {
      case QWEN, OPENCODE -> Optional.of(JsonMerge.of(text));
      case AIDER, LIBRECHAT -> Optional.of(new YamlMerge(text));
      case CONTINUE ->
          Optional.of(old -> new YamlMerge(old.isBlank() ? text : withoutHead(text)).into(old));
      case CLINE, OPENWEBUI, ENV -> Optional.empty();
    };
  }

  /** What a client needs, as text to read. */
  public String shown(String url) {
    try {
      return switch (this) {
        case QWEN, OPENCODE -> JsonMerge.of(neededFor(url)).into("");
        default -> neededFor(url);
      };
    } catch (UnmergeableFile e) {
      throw new IllegalStateException("nothing can be merged into", e);
    }
  }

  private String neededFor(String url) {
    return needed.replace("URL/", url + "/");
  }

  /** A file that is there has a name and a version of its own. */
  private static String withoutHead(String yaml) {
    return yaml.substring(yaml.indexOf("models:"));
  }
}

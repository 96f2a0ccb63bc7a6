package freellmproxy.http;

import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import java.util.List;

/**
 * What is said of a path where nothing is: mostly another API is wanted, or a base URL is wrong.
 */
final class UnknownPath {
  private static final String CHAT = "/chat/completions";

  /** An API that clients look for here, by the beginning of its path. */
  private record OtherApi(String path, String name) {}

  private static final List<OtherApi> OTHER_APIS =
      List.of(
          new OtherApi("/messages", "Anthropic's Messages API, which Claude Code needs"),
          new OtherApi("/responses", "OpenAI's Responses API, which Codex needs"),
          new OtherApi("/completions", "the old completions API"),
          new OtherApi("/embeddings", "embeddings"),
          new OtherApi("/audio", "audio"),
          new OtherApi("/images", "images"),
          new OtherApi("/moderations", "moderations"),
          new OtherApi("/rerank", "reranking"),
          new OtherApi("/files", "files"),
          new OtherApi("/batches", "batches"),
          new OtherApi("/assistants", "assistants"),
          new OtherApi("/threads", "assistants"),
          new OtherApi("/realtime", "the Realtime API"),
          new OtherApi("/api/chat", "Ollama's own API"),
          new OtherApi("/api/generate", "Ollama's own API"),
          new OtherApi("/api/tags", "Ollama's own API"));

  private UnknownPath() {}

  /** By a normalised path. Not 501, which clients ask again for. */
  static ApiError error(String path) {
    String asked = path.replaceFirst("^(?:/api)?(?:/v1)?(?=/)", "");
    for (OtherApi other : OTHER_APIS) {
      boolean isThere =
          other.path().startsWith("/api/") ? path.equals(other.path()) : isAt(asked, other.path());
      if (isThere) {
        return refusal(
            "api_not_spoken",
            "This proxy does not speak "
                + other.name()
                + ". It speaks OpenAI's chat completions: POST /v1/chat/completions. Choose an"
                + " OpenAI-compatible provider in the client.");
      }
    }
    return refusal("not_found", "There is nothing at this path. " + advice(path));
  }

  private static boolean isAt(String path, String beginning) {
    return path.equals(beginning) || path.startsWith(beginning + "/");
  }

  private static String advice(String path) {
    if (path.endsWith(CHAT + CHAT) || path.endsWith(CHAT + "/models")) {
      return "The client adds /chat/completions by itself: its base URL must end in /v1.";
    }
    if (path.contains("/v1/v1")) {
      return "The base URL of the client has one /v1 too many.";
    }
    if (path.equals(CHAT) || path.equals("/models")) {
      return "The base URL of the client must end in /v1.";
    }
    return "Chat requests go to POST /v1/chat/completions; GET / lists the endpoints.";
  }

  private static ApiError refusal(String code, String message) {
    return new ApiError(404, "invalid_request_error", code, message, null, Retry.POINTLESS);
  }
}

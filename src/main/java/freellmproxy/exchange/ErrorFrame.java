package freellmproxy.exchange;

import freellmproxy.api.ApiError;
import freellmproxy.json.JsonBytes;
import io.vertx.core.buffer.Buffer;

/**
 * The event that ends a stream which broke (contract section 6): an error and a last chunk in one,
 * as OpenRouter sends it. Agents that recover from a lost connection by themselves know one by its
 * words, so these are chosen (decision 0045): the type {@code server_error} for Continue, "502
 * server error" in the message for pi and opencode, a code that is no number for Qwen Code.
 */
final class ErrorFrame {
  private static final String TYPE = "server_error";

  private ErrorFrame() {}

  /** The event and the end marker behind it. */
  static Buffer of(ApiError error, String model) {
    return Buffer.buffer("data: ")
        .appendBytes(json(error, model))
        .appendString("\n\n")
        .appendBuffer(StreamRelay.done());
  }

  private static byte[] json(ApiError error, String model) {
    return JsonBytes.object(json -> {
      json.writeObjectFieldStart("error");
      json.writeStringField("message", error.status() + " server error: " + error.message());
      json.writeStringField("type", TYPE);
      json.writeStringField("code", error.code());
      json.writeStringField("param", error.param());
      json.writeEndObject();
      json.writeStringField("object", "chat.completion.chunk");
      json.writeStringField("model", model);
      // Whoever does not look for an error finds at least a chunk that it can read.
      json.writeArrayFieldStart("choices");
      json.writeStartObject();
      json.writeNumberField("index", 0);
      json.writeObjectFieldStart("delta");
      json.writeStringField("content", "");
      json.writeEndObject();
      json.writeStringField("finish_reason", "error");
      json.writeEndObject();
      json.writeEndArray();
    });
  }
}

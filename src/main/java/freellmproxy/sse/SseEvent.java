package freellmproxy.sse;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * One server-sent event.
 *
 * <p>Ids are for those who mean to come back for the rest of a stream, which no chat has; some
 * clients take what follows one for an event.
 *
 * @param name from {@code event:} lines, null when there was none
 * @param data the bytes of its {@code data:} lines, joined by line feeds, never decoded
 */
public record SseEvent(@Nullable String name, byte[] data) {
  private static final byte[] DONE = "[DONE]".getBytes(UTF_8);
  private static final byte[] DATA = "data: ".getBytes(UTF_8);

  /** Whether this is OpenAI's end marker. */
  public boolean isDone() {
    // Every JSON event begins with a brace, so most are told apart by their first byte.
    return data.length >= DONE.length
        && data[0] != '{'
        && new String(data, UTF_8).strip().equals("[DONE]");
  }

  /** Whether its name says that it tells of an error, in whatever form. */
  public boolean isNamedError() {
    return "error".equals(name);
  }

  /** Whether its name says that it only keeps the connection alive. */
  public boolean isNamedPing() {
    return "ping".equals(name) || "heartbeat".equals(name) || "keepalive".equals(name);
  }

  /** The event as it is sent on: LF line ends, one blank line behind it. */
  public Buffer encoded() {
    Buffer out = Buffer.buffer(data.length + DATA.length + 2);
    if (name != null) {
      out.appendString("event: ").appendString(name).appendString("\n");
    }
    int lineStart = 0;
    for (int i = 0; i <= data.length; i++) {
      if (i == data.length || data[i] == '\n') {
        out.appendBytes(DATA).appendBytes(data, lineStart, i - lineStart).appendByte((byte) '\n');
        lineStart = i + 1;
      }
    }
    return out.appendByte((byte) '\n');
  }
}

package freellmproxy.sse;

import static java.nio.charset.StandardCharsets.UTF_8;

import freellmproxy.json.ByteOrderMark;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads a stream of server-sent events as the WHATWG HTML standard says (section 9.2.6), however it
 * is cut into chunks: lines end in LF, CR or CRLF, a byte order mark may come first, comments are
 * dropped. A line of bare JSON, which the standard ignores, is read as data, since it may be part
 * of an answer. For one stream and one thread.
 */
public final class SseParser {
  /** Of an event's name; nobody needs a longer one. */
  private static final int LONGEST_WORD = 1 << 10;

  private final int maxEventBytes;

  /** The beginning of a line whose end has not come yet. */
  private final Bytes line = new Bytes();

  private final Bytes data = new Bytes();
  private @Nullable String name;
  private boolean hasData;
  private boolean isFirstLine = true;
  private boolean skipLineFeed;

  /**
   * Starts at the beginning of a stream.
   *
   * @param maxEventBytes bounds the memory that one event or one endless line can take
   */
  public SseParser(int maxEventBytes) {
    this.maxEventBytes = maxEventBytes;
  }

  /**
   * Reads one chunk, which it keeps nothing of, and hands every event that it completes to {@code
   * sink}.
   *
   * @return false when an event is larger than allowed; the stream cannot be read on then
   */
  public boolean feed(byte[] bytes, Consumer<SseEvent> sink) {
    int lineStart = 0;
    if (skipLineFeed && bytes.length > 0) {
      skipLineFeed = false;
      lineStart = bytes[0] == '\n' ? 1 : 0;
    }
    for (int i = lineStart; i < bytes.length; i++) {
      byte b = bytes[i];
      if (b != '\n' && b != '\r') {
        continue;
      }
      endLine(bytes, lineStart, i, sink);
      if (b == '\r') {
        boolean isLast = i + 1 == bytes.length;
        skipLineFeed = isLast;
        i += !isLast && bytes[i + 1] == '\n' ? 1 : 0;
      }
      lineStart = i + 1;
      if (data.length() > maxEventBytes) {
        return false;
      }
    }
    line.append(bytes, lineStart, bytes.length);
    return line.length() + data.length() <= maxEventBytes;
  }

  /** How much memory the event takes whose end has not come yet. */
  public int buffered() {
    return line.capacity() + data.capacity();
  }

  /**
   * Ends the stream. The standard throws away an event whose blank line is missing; OpenAI-like
   * servers forget that line behind their last {@code [DONE]}, so such an event is handed on.
   */
  public void finish(Consumer<SseEvent> sink) {
    if (line.length() > 0) {
      endLine(new byte[0], 0, 0, sink);
    }
    dispatch(sink);
  }

  private void endLine(byte[] bytes, int start, int end, Consumer<SseEvent> sink) {
    if (line.length() == 0) {
      readLine(bytes, start, end, sink);
    } else {
      line.append(bytes, start, end);
      byte[] whole = line.take();
      readLine(whole, 0, whole.length, sink);
    }
  }

  private void readLine(byte[] bytes, int start, int end, Consumer<SseEvent> sink) {
    int from = start;
    if (isFirstLine) {
      isFirstLine = false;
      from += ByteOrderMark.isAt(bytes, start, end) ? ByteOrderMark.LENGTH : 0;
    }
    if (from == end) {
      dispatch(sink);
    } else {
      readField(bytes, from, end);
    }
  }

  private void readField(byte[] bytes, int start, int end) {
    int colon = start;
    while (colon < end && bytes[colon] != ':') {
      colon++;
    }
    int value = Math.min(colon + 1, end);
    if (value < end && bytes[value] == ' ') {
      value++;
    }
    if (isField(bytes, start, colon, "data")) {
      appendData(bytes, value, end);
    } else if (isField(bytes, start, colon, "event")) {
      name = word(bytes, value, end);
    } else if (bytes[start] == '{') {
      // No field is named like this: a server has forgotten to say that it is data.
      appendData(bytes, start, end);
    }
    // An empty field name is a comment; `id`, `retry` and unknown fields do not concern the proxy.
  }

  private void appendData(byte[] bytes, int start, int end) {
    if (hasData) {
      data.append((byte) '\n');
    }
    hasData = true;
    data.append(bytes, start, end);
  }

  private static @Nullable String word(byte[] bytes, int start, int end) {
    return end - start <= LONGEST_WORD ? new String(bytes, start, end - start, UTF_8) : null;
  }

  private static boolean isField(byte[] bytes, int start, int end, String field) {
    if (end - start != field.length()) {
      return false;
    }
    for (int i = 0; i < field.length(); i++) {
      if (bytes[start + i] != field.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private void dispatch(Consumer<SseEvent> sink) {
    if (hasData) {
      hasData = false;
      sink.accept(new SseEvent(name, data.take()));
    }
    name = null;
  }

  /** A growing array that gives its content away and starts anew. */
  private static final class Bytes {
    private static final byte[] NONE = {};

    private byte[] array = NONE;
    private int length;

    int length() {
      return length;
    }

    int capacity() {
      return array.length;
    }

    void append(byte b) {
      reserve(1);
      array[length++] = b;
    }

    void append(byte[] bytes, int start, int end) {
      reserve(end - start);
      System.arraycopy(bytes, start, array, length, end - start);
      length += end - start;
    }

    private void reserve(int more) {
      int needed = length + more;
      if (needed > array.length) {
        // The first part is often the only one: no slack then.
        array = Arrays.copyOf(array, length == 0 ? needed : Math.max(needed, 2 * array.length));
      }
    }

    byte[] take() {
      byte[] taken = array.length == length ? array : Arrays.copyOf(array, length);
      array = NONE;
      length = 0;
      return taken;
    }
  }
}

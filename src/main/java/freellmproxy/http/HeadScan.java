package freellmproxy.http;

import freellmproxy.http.RefusedRequest.Fault;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpConstants;

/**
 * Looks for the end of a head, or of trailers, in what has come of it, so that nothing is made of
 * it before: a line of three bytes becomes a hundred as a header on the heap. Looks at each byte
 * once, however it comes. For one connection.
 */
final class HeadScan {
  /** As nginx and Apache allow; agents send some twenty. */
  private static final int MAX_FIELDS = 100;

  /** With line ends. Agents send long headers, but not this long. */
  static final int MAX_BYTES = 32 << 10;

  static final int MAX_REQUEST_LINE = 8 << 10;

  private int lineStart;
  private int looked;
  private int lines;
  private boolean isWhole;

  /**
   * Whether it has come whole.
   *
   * @param requestLines how many lines it has before its fields, 1 for a head, 0 for trailers
   * @param buffer begins with it, as when it was looked at before
   */
  boolean isWhole(ByteBuf buffer, int requestLines) throws RefusedRequest {
    int start = buffer.readerIndex();
    int end = start + Math.min(buffer.readableBytes(), MAX_BYTES);
    while (!isWhole) {
      int lineEnd = buffer.indexOf(start + looked, end, HttpConstants.LF);
      looked = (lineEnd < 0 ? end : lineEnd + 1) - start;
      if (lines < requestLines && looked - lineStart > MAX_REQUEST_LINE) {
        throw new RefusedRequest(Fault.LINE_TOO_LONG);
      }
      if (lineEnd < 0) {
        break;
      }
      endLine(buffer, start, requestLines);
    }
    if (!isWhole && buffer.readableBytes() >= MAX_BYTES) {
      throw new RefusedRequest(Fault.HEADERS_TOO_LARGE);
    }
    return isWhole;
  }

  private void endLine(ByteBuf buffer, int start, int requestLines) throws RefusedRequest {
    byte first = buffer.getByte(start + lineStart);
    int length = looked - lineStart;
    isWhole = length == 1 || (length == 2 && first == HttpConstants.CR);
    lines++;
    lineStart = looked;
    if (isWhole) {
      return;
    }
    if (lines <= requestLines && !isText(buffer, start, length)) {
      throw new RefusedRequest(Fault.NOT_HTTP);
    }
    if (first == HttpConstants.SP || first == HttpConstants.HT) {
      throw new RefusedRequest(Fault.FOLDED_HEADER);
    }
    if (lines - requestLines > MAX_FIELDS) {
      throw new RefusedRequest(Fault.HEADERS_TOO_LARGE);
    }
  }

  /** Whether a request line has nothing in it but visible letters and spaces. */
  private static boolean isText(ByteBuf buffer, int start, int length) {
    return buffer.forEachByte(start, Math.max(0, length - 2), b -> b >= ' ' && b < 0x7f) < 0;
  }

  /** For the next. */
  void reset() {
    lineStart = 0;
    looked = 0;
    lines = 0;
    isWhole = false;
  }
}

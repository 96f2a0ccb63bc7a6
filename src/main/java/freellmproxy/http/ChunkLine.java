package freellmproxy.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import freellmproxy.http.RefusedRequest.Fault;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpConstants;
import io.netty.util.internal.StringUtil;
import java.util.regex.Pattern;

/**
 * The line before a chunk, read by the letter of RFC 9112 section 7.1: where two readers understand
 * it differently, one of them takes a part of the body for a request.
 */
final class ChunkLine {
  /** It has a length in it, and in theory extensions, which nobody uses. */
  private static final int MAX_BYTES = 1 << 10;

  /** No chunk is larger than an int can say. */
  private static final int MAX_DIGITS = 8;

  private static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]++";
  private static final String QUOTED =
      "\"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*+\"";
  private static final Pattern EXTENSIONS =
      Pattern.compile(
          "(?:[ \\t]*+;[ \\t]*+%1$s(?:[ \\t]*+=[ \\t]*+(?:%1$s|%2$s))?+)*+"
              .formatted(TOKEN, QUOTED));

  private ChunkLine() {}

  /** How long the line at the beginning of {@code buffer} is; 0 when its end has not come. */
  static int length(ByteBuf buffer) throws RefusedRequest {
    int start = buffer.readerIndex();
    int end = start + Math.min(buffer.readableBytes(), MAX_BYTES);
    int lineEnd = buffer.indexOf(start, end, HttpConstants.LF);
    if (lineEnd < 0 && buffer.readableBytes() >= MAX_BYTES) {
      throw new RefusedRequest(Fault.BAD_CHUNK);
    }
    return lineEnd < 0 ? 0 : lineEnd + 1 - start;
  }

  /** The size that a whole line of this length says. */
  static int size(ByteBuf buffer, int length) throws RefusedRequest {
    int start = buffer.readerIndex();
    int end = start + length - 2;
    int next = start;
    long size = 0;
    while (next < end && StringUtil.decodeHexNibble(buffer.getByte(next)) >= 0) {
      size = size << 4 | StringUtil.decodeHexNibble(buffer.getByte(next));
      next++;
      if (next - start > MAX_DIGITS) {
        throw new RefusedRequest(Fault.BAD_CHUNK);
      }
    }
    boolean isGood =
        next > start
            && size <= Integer.MAX_VALUE
            && buffer.getByte(end) == HttpConstants.CR
            && (next == end || isExtensions(buffer.toString(next, end - next, ISO_8859_1)));
    if (!isGood) {
      throw new RefusedRequest(Fault.BAD_CHUNK);
    }
    return (int) size;
  }

  private static boolean isExtensions(String text) {
    return EXTENSIONS.matcher(text).matches();
  }
}

package freellmproxy.chat;

import freellmproxy.json.ByteOrderMark;
import freellmproxy.json.JsonCursor;
import io.netty.buffer.ByteBuf;

/**
 * Scans one request after the other. A body comes in pieces and is kept outside the heap, to be
 * sent on without another copy; for its scan, which takes a few microseconds, its bytes are laid
 * into one array that serves all requests of an event loop.
 */
public final class RequestScanner {
  /** The body of a long conversation; a larger one gets an array for itself. */
  private static final int LARGEST_KEPT = 1 << 20;

  private byte[] desk = new byte[16 << 10];
  private final JsonCursor json = new JsonCursor(desk, 0);

  /**
   * Scans a body and takes it over: a request holds it until it is released, whatever else comes of
   * it has released it.
   */
  public RequestScan.Result scan(ByteBuf body) {
    boolean isKept = false;
    try {
      skipByteOrderMark(body);
      int length = body.readableBytes();
      byte[] copy = arrayOf(length);
      body.getBytes(body.readerIndex(), copy, 0, length);
      json.begin(copy, length);
      RequestScan.Result result = RequestScan.scan(body, json);
      isKept = result instanceof RequestScan.Result.Scanned;
      return result;
    } finally {
      // Lets go of an array that is not kept.
      json.begin(desk, 0);
      if (!isKept) {
        body.release();
      }
    }
  }

  /** Some editors and shells put it before all they write; JSON has no place for it. */
  private static void skipByteOrderMark(ByteBuf body) {
    boolean isThere =
        body.readableBytes() >= ByteOrderMark.LENGTH
            && body.getUnsignedMedium(body.readerIndex()) == ByteOrderMark.BYTES;
    body.skipBytes(isThere ? ByteOrderMark.LENGTH : 0);
  }

  private byte[] arrayOf(int length) {
    if (length > LARGEST_KEPT) {
      return new byte[length];
    }
    if (length > desk.length) {
      desk = new byte[Math.min(LARGEST_KEPT, Math.max(length, 2 * desk.length))];
    }
    return desk;
  }
}

package freellmproxy.upstream;

import io.netty.buffer.ByteBufUtil;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.buffer.BufferInternal;

/** Collects the body of a whole answer as it comes. For one event loop. */
final class AnswerBody {
  /** Larger than any real answer. */
  private static final int MAX_BYTES = 64 << 20;

  private final AnswerShare share;
  private Buffer bytes = Buffer.buffer();

  AnswerBody(AnswerShare share) {
    this.share = share;
  }

  /** Says false when it would be larger than an answer may be, or than there is memory for. */
  boolean append(Buffer piece) {
    int length = bytes.length() + piece.length();
    if (length > MAX_BYTES || !share.covers(length)) {
      return false;
    }
    if (bytes.length() == 0) {
      // Vert.x has made it for us, and mostly it is all.
      bytes = piece;
    } else {
      bytes.appendBuffer(piece);
    }
    return true;
  }

  /** All that has come; nothing more may be appended. */
  byte[] whole() {
    return ByteBufUtil.getBytes(((BufferInternal) bytes).getByteBuf(), 0, bytes.length(), false);
  }

  /** Forgets what has come; nothing more may be appended. */
  void drop() {
    bytes = Buffer.buffer();
  }
}

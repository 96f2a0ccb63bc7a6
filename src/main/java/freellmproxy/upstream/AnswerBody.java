package freellmproxy.upstream;

import io.vertx.core.buffer.Buffer;

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
    bytes.appendBuffer(piece);
    return true;
  }

  /** A copy of all that has come. */
  byte[] copy() {
    return bytes.getBytes();
  }

  /** Forgets what has come; nothing more may be appended. */
  void drop() {
    bytes = Buffer.buffer();
  }
}

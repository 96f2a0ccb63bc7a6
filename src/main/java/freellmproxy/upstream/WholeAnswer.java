package freellmproxy.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import org.jspecify.annotations.Nullable;

/** Collects the body of an answer. */
final class WholeAnswer implements AnswerReader {
  /** Larger than any real answer. */
  private static final int MAX_BYTES = 64 << 20;

  private static final byte[] NOTHING = {};

  private final int status;
  private final ReplyHeaders headers;
  private final AnswerShare share;

  /** The first piece, which is mostly the only one. */
  private byte[] first = NOTHING;

  /** All pieces, where there are more. */
  private @Nullable ByteBuf all;

  WholeAnswer(int status, ReplyHeaders headers, AnswerShare share) {
    this.status = status;
    this.headers = headers;
    this.share = share;
  }

  @Override
  public boolean read(byte[] piece) {
    int length = (all == null ? first.length : all.readableBytes()) + piece.length;
    if (length > MAX_BYTES || !share.covers(length)) {
      return false;
    }
    if (first.length == 0) {
      first = piece;
      return true;
    }
    if (all == null) {
      all = Unpooled.buffer(length).writeBytes(first);
    }
    all.writeBytes(piece);
    return true;
  }

  @Override
  public UpstreamReply finish() {
    byte[] body = all == null ? first : ByteBufUtil.getBytes(all, 0, all.readableBytes(), false);
    return new UpstreamReply.Answer(status, headers, body);
  }

  @Override
  public void drop() {
    first = NOTHING;
    all = null;
    share.drop();
  }
}

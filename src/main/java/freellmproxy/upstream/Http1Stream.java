package freellmproxy.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/** The request that an HTTP/1.1 connection is at. */
final class Http1Stream implements UpstreamStream {
  /** Up to there a copy costs less than a second buffer (docs/decisions/0022). */
  private static final int LARGEST_COPIED = 8 << 10;

  private final Http1Connection connection;
  private final Channel channel;
  private final StreamListener listener;

  /** Messages of the codec that wait to be read, and perhaps at last how the stream was lost. */
  private final ArrayDeque<Object> unread = new ArrayDeque<>(4);

  private boolean isOver;
  private boolean isPaused;
  private boolean isReading;

  /** Whether any answer has come, final or not. */
  private boolean hasBegun;

  private boolean isInterim;
  private @Nullable ChannelFuture written;

  Http1Stream(Http1Connection connection, Channel channel, StreamListener listener) {
    this.connection = connection;
    this.channel = channel;
    this.listener = listener;
  }

  @Override
  public void send(RequestHead head, ByteBuf body) {
    int length = body.readableBytes();
    if (length <= LARGEST_COPIED) {
      ByteBuf whole = head.encode(length, length, channel.alloc()).writeBytes(body);
      body.release();
      written = channel.writeAndFlush(whole);
    } else {
      var _ = channel.write(head.encode(length, 0, channel.alloc()));
      written = PacedBody.write(channel, body);
    }
    written.addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
  }

  @Override
  public boolean isSent() {
    return written != null && written.isSuccess();
  }

  /** Takes a message of the codec, or a {@link Loss}. */
  void read(Object message) {
    unread.add(message);
    readUnlessReading();
  }

  private void readUnlessReading() {
    if (!isReading) {
      readOn();
    }
  }

  private void readOn() {
    isReading = true;
    try {
      while (!isPaused && !unread.isEmpty()) {
        readNext(unread.remove());
      }
    } finally {
      isReading = false;
    }
  }

  private void readNext(Object message) {
    try {
      if (!isOver) {
        tell(message);
      } else if (message instanceof HttpObject) {
        // Nobody has asked for it.
        connection.close();
      }
    } catch (RuntimeException bug) {
      if (!isOver) {
        lose(Loss.BROKEN);
      }
      throw bug;
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  private void tell(Object message) {
    if (message instanceof Loss loss) {
      lose(hasBegun ? Loss.BROKEN : loss);
    } else if (!(message instanceof HttpObject part) || part.decoderResult().isFailure()) {
      lose(Loss.BROKEN);
    } else if (part instanceof HttpResponse head) {
      tellHead(head);
    } else if (part instanceof HttpContent content && !isInterim) {
      tellContent(content);
    }
  }

  private void tellHead(HttpResponse head) {
    HttpResponseStatus status = head.status();
    hasBegun = true;
    isInterim = status.codeClass() == HttpStatusClass.INFORMATIONAL;
    if (head.protocolVersion().majorVersion() != 1) {
      lose(Loss.BROKEN);
    } else if (status.code() == HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
      // Whatever it switches to, nobody has asked for it.
      lose(Loss.UNEXPECTED_INTERIM);
    } else if (!isInterim) {
      connection.learn(head);
      listener.head(status.code(), head.headers()::get);
    }
  }

  private void tellContent(HttpContent content) {
    if (content.content().isReadable()) {
      listener.piece(ByteBufUtil.getBytes(content.content()));
    }
    if (!(content instanceof LastHttpContent) || isOver) {
      return;
    }
    if (isPaused) {
      unread.addFirst(LastHttpContent.EMPTY_LAST_CONTENT);
    } else {
      isOver = true;
      connection.ended();
      listener.end();
    }
  }

  private void lose(Loss how) {
    isOver = true;
    connection.close();
    listener.lost(how);
  }

  @Override
  public void pause() {
    isPaused = true;
    channel.config().setAutoRead(false);
  }

  @Override
  public void resume() {
    if (!isPaused) {
      return;
    }
    isPaused = false;
    readUnlessReading();
    connection.lookBehindAnswer();
    if (!isPaused) {
      channel.config().setAutoRead(true);
    }
  }

  @Override
  public void cut() {
    isOver = true;
    isPaused = false;
    readUnlessReading();
    connection.close();
  }
}

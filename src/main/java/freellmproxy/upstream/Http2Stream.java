package freellmproxy.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.StreamResetException;
import io.vertx.core.internal.buffer.BufferInternal;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A request on HTTP/2, as Vert.x tells of it. */
final class Http2Stream implements UpstreamStream {
  /** Error code for "not processed at all" (RFC 9113 section 8.7). */
  private static final long H2_REFUSED_STREAM = 0x7;

  private final Http2Connection connection;
  private final StreamListener listener;

  private boolean isPaused;
  private boolean isOver;
  private boolean isLost;
  private int pieces;
  private @Nullable HttpClientRequest request;
  private @Nullable HttpClientResponse response;
  private @Nullable Future<Void> written;

  Http2Stream(Http2Connection connection, StreamListener listener) {
    this.connection = connection;
    this.listener = listener;
  }

  @Override
  public void send(RequestHead head, ByteBuf body) {
    connection
        .request(head.options())
        .onComplete(
            begun -> write(begun, body),
            failure -> {
              body.release();
              lose(meaning(failure));
            });
  }

  private void write(HttpClientRequest begun, ByteBuf body) {
    request = begun;
    // The answer fails too, and says so; without this Vert.x logs an error as well.
    begun.exceptionHandler(failure -> {});
    written = begun.end(BufferInternal.buffer(body));
    // Vert.x leaves buffers that it did not make to those who did.
    written.onComplete(done -> body.release());
    begun.response().onComplete(this::read, failure -> lose(meaning(failure)));
  }

  private Loss meaning(Throwable failure) {
    boolean isRefused =
        failure instanceof StreamResetException reset && reset.getCode() == H2_REFUSED_STREAM;
    if (isRefused || request == null || connection.leavesOut(request.streamId())) {
      return Loss.UNPROCESSED;
    }
    boolean isClosed = failure instanceof HttpClosedException || failure instanceof IOException;
    return isClosed ? Loss.CLOSED : Loss.BROKEN;
  }

  private void read(HttpClientResponse answer) {
    if (isOver) {
      return;
    }
    response = answer;
    answer.exceptionHandler(failure -> loseWhenRead());
    if (answer.statusCode() < 200) {
      // Vert.x takes an interim answer it does not know for the answer.
      lose(Loss.UNEXPECTED_INTERIM);
      return;
    }
    answer.handler(this::read);
    answer.endHandler(end -> end());
    listener.head(answer.statusCode(), answer::getHeader);
  }

  private void read(Buffer piece) {
    pieces++;
    if (!isOver) {
      ByteBuf bytes = ((BufferInternal) piece).getByteBuf();
      // Vert.x has made it for us.
      listener.piece(
          ByteBufUtil.getBytes(bytes, bytes.readerIndex(), bytes.readableBytes(), false));
    }
  }

  private void end() {
    if (!isOver) {
      isOver = true;
      listener.end();
    }
  }

  private void lose(Loss how) {
    if (!isOver) {
      isOver = true;
      listener.lost(how);
    }
  }

  /** What came before waits while we pause, perhaps to the last byte, and is read first. */
  private void loseWhenRead() {
    isLost = true;
    if (!isPaused) {
      lose(Loss.BROKEN);
    }
  }

  /** Vert.x hands over what waits in tasks of its own, and does not say when that was all. */
  private void loseAfterWhatWaits() {
    int before = pieces;
    connection.soon(() -> {
      if (isPaused) {
        return;
      }
      if (pieces == before) {
        lose(Loss.BROKEN);
      } else {
        loseAfterWhatWaits();
      }
    });
  }

  @Override
  public boolean isSent() {
    return written != null && written.isComplete();
  }

  @Override
  public void pause() {
    isPaused = true;
    if (response != null) {
      response.pause();
    }
  }

  @Override
  public void resume() {
    isPaused = false;
    if (response != null) {
      response.resume();
    }
    if (isLost) {
      loseAfterWhatWaits();
    }
  }

  @Override
  public void cut() {
    isOver = true;
    if (request != null) {
      connection.cut(request);
    }
  }
}

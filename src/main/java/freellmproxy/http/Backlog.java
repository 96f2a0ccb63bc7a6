package freellmproxy.http;

import freellmproxy.upstream.AnswerMemory;
import freellmproxy.upstream.AnswerShare;
import io.vertx.core.Future;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;

/**
 * What has been written of the answer to one request and the client has not taken yet. It is
 * counted with the {@link AnswerMemory}; a client for whom there is none left is cut, since of all
 * who wait it is the one who does not read. For one event loop.
 */
final class Backlog {
  private final AnswerShare share;
  private final HttpConnection connection;
  private long bytes;

  /** Nothing yet, on this connection. */
  Backlog(AnswerMemory memory, HttpConnection connection) {
    this.share = new AnswerShare(memory);
    this.connection = connection;
  }

  /** So many bytes wait until {@code taken}. */
  void add(int length, Future<Void> taken) {
    if (share.covers(bytes + length)) {
      bytes += length;
      taken.onComplete(done -> subtract(length));
    } else {
      // Vert.x alone would wait until the client has taken everything.
      var _ = ((HttpServerConnection) connection).channelHandlerContext().close();
    }
  }

  private void subtract(int length) {
    bytes -= length;
    share.covers(bytes);
  }
}

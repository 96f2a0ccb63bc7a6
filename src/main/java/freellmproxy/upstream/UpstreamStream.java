package freellmproxy.upstream;

import io.netty.buffer.ByteBuf;

/** One request on a connection, and its answer. Lives on the connection's event loop. */
interface UpstreamStream {
  /**
   * Sends the request. Called once, at the beginning.
   *
   * @param body is released when it is sent, or cannot be
   */
  void send(RequestHead head, ByteBuf body);

  /** Whether the whole request is on its way. */
  boolean isSent();

  /** Stops reading, so that the upstream has to wait. */
  void pause();

  /** Goes on reading. */
  void resume();

  /**
   * Ends it before its end; the listener is told nothing more. On HTTP/1.1 that takes the
   * connection with it. Not to be called once the connection has been given back.
   */
  void cut();
}

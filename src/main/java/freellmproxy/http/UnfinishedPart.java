package freellmproxy.http;

import freellmproxy.http.RefusedRequest.Fault;
import freellmproxy.time.Limit;
import freellmproxy.time.Time;
import io.vertx.core.internal.ContextInternal;

/**
 * What a connection holds of a head, of trailers or of a line before a chunk that has not come
 * whole: its memory, and for a head the time it has. Most have come when they are first looked at,
 * and then there is none. For one connection.
 */
final class UnfinishedPart {
  private final ContextInternal loop;
  private final Limit patience;
  private int held;

  /**
   * One that is not there yet.
   *
   * @param onTooSlow is told on the event loop when a head's time is over
   */
  UnfinishedPart(ContextInternal loop, Time time, Runnable onTooSlow) {
    this.loop = loop;
    this.patience = new Limit(time, onTooSlow);
  }

  boolean isThere() {
    return held > 0;
  }

  /** Keeps a buffer as large as this for it. */
  void hold(int capacity) throws RefusedRequest {
    int more = capacity - held;
    if (more > 0) {
      if (!HeadMemory.take(more)) {
        throw new RefusedRequest(Fault.NO_ROOM);
      }
      held += more;
    }
  }

  /** Gives it its time, from now on. */
  void limit() {
    // A timer belongs to the context that it is set in, and Netty is in none here.
    loop.dispatch(() -> patience.in(BodyReader.PATIENCE));
  }

  /** It has come, or will not. */
  void end() {
    if (held > 0) {
      HeadMemory.giveBack(held);
      held = 0;
      patience.cancel();
    }
  }
}

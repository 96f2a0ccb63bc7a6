package freellmproxy.upstream;

import freellmproxy.time.Time;
import java.time.Duration;

/**
 * A connection to the upstream: one call at a time on HTTP/1.1, many on HTTP/2. A call that has got
 * it from the {@link ConnectionPool} has its place on it until it gives it back. Lives on one event
 * loop.
 */
abstract class UpstreamConnection {
  private boolean isUnused;
  private int openCalls;
  private long calls;

  /** Whether it is of HTTP/2. */
  abstract boolean isMultiplexed();

  /** How many calls it carries at once. */
  abstract long capacity();

  /** Whether one more call may go over it. */
  abstract boolean hasRoom();

  /**
   * Whether it may carry calls, even if it has no room for one now. One that is doubted may not.
   */
  abstract boolean isUsable();

  /** Whether the upstream can be expected to keep it open still. */
  abstract boolean isWithinKeepAlive();

  /** Begins a request for a call that has its place here. */
  abstract UpstreamStream newStream(StreamListener listener);

  /**
   * A request on it was given up in silence. One of HTTP/2 gets no call until it has answered a
   * ping, and is closed when it does not: if it was lost without a word it would take call after
   * call, and every model would look silent, until TCP gives up after a quarter of an hour. One of
   * HTTP/1.1 ends with its request.
   */
  abstract void doubt(Time time, Duration limit);

  /** At once, whatever is on its way to the upstream still. */
  abstract void close();

  final int openCalls() {
    return openCalls;
  }

  final boolean isIdle() {
    return openCalls == 0;
  }

  /** Whether more calls than one have gone over it, so that its end need not be about the last. */
  final boolean isShared() {
    return calls > 1;
  }

  /** Whether it has carried no call yet. */
  final boolean isNew() {
    return calls == 0;
  }

  /** Closes it if it has carried no call since this was called last. */
  final void closeIfUnused() {
    if (isUnused) {
      close();
    }
    isUnused = isIdle();
  }

  /** A call takes a place. */
  final void take() {
    openCalls++;
    calls++;
    isUnused = false;
  }

  /** A call leaves its place. */
  final void leave() {
    openCalls--;
  }
}

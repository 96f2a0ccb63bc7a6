package freellmproxy.upstream;

import freellmproxy.egress.Dial;
import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import freellmproxy.upstream.UpstreamReply.Failure;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.netty.channel.Channel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one event loop to the upstream, and the calls that wait for one. Vert.x has a
 * pool too, but it does not say what a connection has been through, and lets calls wait for each
 * other.
 */
final class ConnectionPool {
  /** What servers commonly allow on HTTP/2, and RFC 9113 section 6.5.2 advises. */
  private static final int COMMON_STREAMS = 100;

  /** How often connections are closed that nobody has used since. */
  private static final Duration SWEEP = Duration.ofSeconds(75);

  private final Connector connector;
  private final Duration connectLimit;
  private final Time time;
  private final Consumer<Runnable> soon;

  /** Those of HTTP/1.1 that carry no call, the last used one last. */
  private final LinkedHashSet<UpstreamConnection> idle = new LinkedHashSet<>();

  /** Those of HTTP/2. */
  private final List<UpstreamConnection> multiplexed = new ArrayList<>();

  private final LinkedHashSet<Waiting> waiting = new LinkedHashSet<>();

  private int opening;

  /** How many calls a connection that is being opened will carry, as far as is known. */
  private long expectedCapacity;

  private boolean isSweepDue;
  private boolean isClosed;

  /**
   * An empty pool.
   *
   * @param connectLimit for TCP and TLS together
   * @param soon runs a task behind all that the event loop has been told
   */
  ConnectionPool(Connector connector, Duration connectLimit, Time time, Consumer<Runnable> soon) {
    this.connector = connector;
    this.connectLimit = connectLimit;
    this.time = time;
    this.soon = soon;
    this.expectedCapacity = connector.mayMultiplex() ? COMMON_STREAMS : 1;
  }

  /**
   * A call that needs a place on a connection.
   *
   * @param ready told where; or else {@code failed} is, unless the call is withdrawn before
   */
  Waiting newWaiting(
      Pooling pooling, Consumer<UpstreamConnection> ready, Consumer<Failure> failed) {
    return new Waiting(pooling, ready, failed);
  }

  private @Nullable UpstreamConnection free() {
    for (UpstreamConnection connection : multiplexed) {
      if (connection.hasRoom() && connection.isWithinKeepAlive()) {
        return connection;
      }
    }
    while (!idle.isEmpty()) {
      UpstreamConnection last = idle.getLast();
      if (!last.isUsable() || !last.isWithinKeepAlive()) {
        idle.remove(last);
        last.close();
      } else {
        // One that has no room has just been given back, and has it soon. It is known to stand,
        // which of those that were used before is not.
        return last.hasRoom() ? last : null;
      }
    }
    return null;
  }

  /**
   * A call leaves its place on a connection, having read its answer to the end or cut it. Who waits
   * for another one to open may have it, once all is read that came with the answer.
   */
  void giveBack(UpstreamConnection connection) {
    connection.leave();
    if (connection.isIdle()) {
      keep(connection);
    }
    if (!waiting.isEmpty()) {
      serveSoon();
    }
  }

  /**
   * Not before the event loop has worked through all it has been told at once. Vert.x counts a call
   * as over only when it has told its end, and a connection of HTTP/1.1 looks behind the answer
   * then. And of a connection that was closed on the way there may be more, which Netty would take
   * for news of the new connection that got the same file descriptor.
   */
  private void serveSoon() {
    soon.accept(this::serveOrOpen);
  }

  private void serveOrOpen() {
    if (isClosed) {
      failAll();
    } else {
      serveWaiting();
      openAsNeeded();
    }
  }

  private void serveWaiting() {
    Waiting next = nextToReuse();
    while (next != null) {
      UpstreamConnection free = free();
      if (free == null) {
        return;
      }
      next.serve(free);
      next = nextToReuse();
    }
  }

  private @Nullable Waiting nextToReuse() {
    for (Waiting call : waiting) {
      if (call.pooling == Pooling.REUSE) {
        return call;
      }
    }
    return null;
  }

  private void keep(UpstreamConnection connection) {
    if (!connection.isMultiplexed() && connection.isUsable()) {
      idle.add(connection);
    }
    sweepLater();
  }

  private void sweepLater() {
    if (!isSweepDue) {
      isSweepDue = true;
      time.after(SWEEP, this::sweep);
    }
  }

  /** Closes what no call has used for a whole round. */
  private void sweep() {
    isSweepDue = false;
    var all = new ArrayList<>(multiplexed);
    all.addAll(idle);
    for (UpstreamConnection connection : all) {
      connection.closeIfUnused();
    }
    if (!all.isEmpty()) {
      sweepLater();
    }
  }

  private void openAsNeeded() {
    while (opening * expectedCapacity < waiting.size()) {
      new Opening().begin();
    }
  }

  private void opened(UpstreamConnection connection) {
    if (!connection.hasRoom()) {
      connection.close();
      failed(new Failure(Fault.CONNECTION_LOST));
      return;
    }
    expectedCapacity = connection.capacity();
    if (connection.isMultiplexed()) {
      multiplexed.add(connection);
    }
    while (connection.hasRoom() && !waiting.isEmpty()) {
      waiting.getFirst().serve(connection);
    }
    if (connection.isIdle()) {
      keep(connection);
    }
    openAsNeeded();
  }

  /** Who waits longest is who the connection was opened for; others may still find one. */
  private void failed(Failure failure) {
    if (!waiting.isEmpty()) {
      waiting.getFirst().fail(failure);
    }
    for (Waiting call : waiting) {
      call.inVain = failure;
    }
    openAsNeeded();
  }

  /** Opens none any more; who waits need not wait any longer. */
  void close() {
    isClosed = true;
    failAll();
  }

  private void failAll() {
    while (!waiting.isEmpty()) {
      waiting.getFirst().fail(new Failure(Fault.CONNECTION_LOST));
    }
  }

  private void closed(UpstreamConnection connection) {
    idle.remove(connection);
    multiplexed.remove(connection);
  }

  /** A call that has no place yet. */
  final class Waiting {
    private final Pooling pooling;
    private final Consumer<UpstreamConnection> ready;
    private final Consumer<Failure> failed;
    private @Nullable Timer limit;

    /** What others were told meanwhile. */
    private @Nullable Failure inVain;

    private Waiting(Pooling pooling, Consumer<UpstreamConnection> ready, Consumer<Failure> failed) {
      this.pooling = pooling;
      this.ready = ready;
      this.failed = failed;
    }

    /** Takes a place that is free, or else waits for one. */
    void acquire() {
      // Of those that stand, any may be closed already.
      UpstreamConnection free = pooling == Pooling.REUSE && !isClosed ? free() : null;
      if (free != null) {
        serve(free);
      } else {
        waiting.add(this);
        limit = time.after(connectLimit, this::giveUp);
        serveSoon();
      }
    }

    private void serve(UpstreamConnection connection) {
      withdraw();
      // Also when it has just opened: who was served before may have given it back at once.
      idle.remove(connection);
      connection.take();
      ready.accept(connection);
    }

    private void giveUp() {
      fail(inVain == null ? connector.silence() : inVain);
    }

    private void fail(Failure failure) {
      withdraw();
      failed.accept(failure);
    }

    /** It needs none any more. Does nothing when it has one. */
    void withdraw() {
      waiting.remove(this);
      if (limit != null) {
        limit.cancel();
      }
    }
  }

  /** A connection that does not stand yet. */
  private final class Opening {
    // Who waits has a limit too. This one is for those who come later: they would go on waiting for
    // a connection that is never going to stand.
    private Timer limit = time.after(connectLimit, this::giveUp);
    private @Nullable Dial<UpstreamConnection> dial;
    private boolean isOver;

    void begin() {
      opening++;
      dial = connector.open(ConnectionPool.this::closed);
      // What stands was faster than others that may never say a word.
      dial.over().onComplete(told -> limit.cancel());
      dial.first()
          .onComplete(
              connection -> {
                if (isOver) {
                  connection.close();
                } else {
                  end();
                  opened(connection);
                }
              },
              failure -> {
                if (!isOver) {
                  end();
                  failed(connector.failure(failure));
                }
              });
    }

    private void giveUp() {
      if (!isOver) {
        end();
        Objects.requireNonNull(dial, "begun").stop();
        openAsNeeded();
      }
      closeSilent(List.of());
    }

    /**
     * Goes on until all attempts have ended. Nobody says which is whose; but what has been silent
     * for a whole limit has had its time, whoever it was opened for.
     */
    private void closeSilent(List<Channel> before) {
      SilentConnections.close(before);
      List<Channel> silent = connector.silent().now();
      limit = time.after(connectLimit, () -> closeSilent(silent));
    }

    private void end() {
      isOver = true;
      opening--;
    }
  }
}

package freellmproxy.upstream;

import freellmproxy.config.LiveSettings;
import freellmproxy.config.Settings;
import freellmproxy.time.Time;
import io.netty.buffer.ByteBuf;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Sends chat requests upstream and says what comes back.
 *
 * <p>Belongs to one event loop, with connections of its own. Every method must be called there, and
 * every reply is told there.
 */
public final class UpstreamClient {
  private final Context context;
  private final LiveSettings settings;
  private final AnswerMemory answerMemory;
  private final Duration connectLimit;
  private final Time time;
  private final Connector connector;
  private final ConnectionPool pool;

  private Settings headOf;
  private RequestHead head;

  /** Must be called on the event loop it is for. */
  public UpstreamClient(Vertx vertx, LiveSettings settings, AnswerMemory answerMemory, Time time) {
    this.context = vertx.getOrCreateContext();
    this.settings = settings;
    this.answerMemory = answerMemory;
    this.time = time;
    this.headOf = settings.current();
    this.connectLimit = headOf.limits().connect();
    this.connector = new Connector(vertx, headOf.upstream(), connectLimit, time);
    this.pool = new ConnectionPool(connector, connectLimit, time, this::soon);
    this.head = head(headOf);
  }

  /**
   * Describes one call; {@link UpstreamCall#start} makes it.
   *
   * @param body makes the whole request body; asked again when a stale connection costs a second
   *     try, since each sending releases what it has sent
   * @param form what to read the answer as where its type allows
   * @param listener told each step, on this event loop, until the last one or {@link
   *     UpstreamCall#abort()}
   */
  public UpstreamCall call(
      Supplier<ByteBuf> body, AnswerForm form, Consumer<UpstreamReply> listener) {
    return new UpstreamCall(this, body, form, listener);
  }

  private RequestHead head(Settings settings) {
    return new RequestHead(settings.upstream(), settings.keys(), connector.relay());
  }

  /** What each request says besides its body, with the key of this moment. */
  @SuppressWarnings("ReferenceEquality") // each reload makes another object
  RequestHead head() {
    Settings current = settings.current();
    if (current != headOf) {
      headOf = current;
      head = head(current);
    }
    return head;
  }

  ConnectionPool pool() {
    return pool;
  }

  AnswerMemory answerMemory() {
    return answerMemory;
  }

  /** For TCP and TLS together. */
  Duration connectLimit() {
    return connectLimit;
  }

  /** Runs a task on this event loop, behind those that wait already. May be called anywhere. */
  public void soon(Runnable task) {
    context.runOnContext(now -> task.run());
  }

  Time time() {
    return time;
  }

  /** Closes all connections; calls fail from now on. */
  public void close() {
    pool.close();
    connector.close();
  }
}

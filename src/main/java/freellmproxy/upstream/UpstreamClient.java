package freellmproxy.upstream;

import freellmproxy.config.LiveSettings;
import freellmproxy.config.Secret;
import freellmproxy.config.Settings;
import freellmproxy.time.Time;
import io.netty.buffer.ByteBuf;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
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

  private Settings templateOf;
  private RequestOptions template;

  /** Must be called on the event loop it is for. */
  public UpstreamClient(Vertx vertx, LiveSettings settings, AnswerMemory answerMemory, Time time) {
    this.context = vertx.getOrCreateContext();
    this.settings = settings;
    this.answerMemory = answerMemory;
    this.time = time;
    this.templateOf = settings.current();
    this.connectLimit = templateOf.limits().connect();
    this.connector = new Connector(vertx, templateOf.upstream(), connectLimit);
    this.pool = new ConnectionPool(connector, connectLimit, time, this::soon);
    this.template = template(templateOf.upstream(), templateOf.keys());
  }

  private RequestOptions template(Settings.Upstream upstream, Settings.Keys keys) {
    var options =
        new RequestOptions()
            .setMethod(HttpMethod.POST)
            .setURI(upstream.baseUrl().getRawPath() + "/chat/completions")
            .setProxyOptions(connector.relay())
            .putHeader(HttpHeaders.AUTHORIZATION, "Bearer " + keys.openRouter().reveal())
            .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
            .putHeader(HttpHeaders.ACCEPT, "application/json, text/event-stream")
            // Vert.x would offer gzip by itself; compressing a stream only delays its events.
            .putHeader(HttpHeaders.ACCEPT_ENCODING, "identity")
            .putHeader(HttpHeaders.USER_AGENT, "free-llm-proxy");
    if (upstream.referer() != null) {
      options.putHeader("HTTP-Referer", upstream.referer());
    }
    if (upstream.title() != null) {
      options.putHeader("X-Title", upstream.title());
    }
    return options;
  }

  /**
   * Starts one call.
   *
   * @param body makes the whole request body; asked again when a stale connection costs a second
   *     try, since each sending releases what it has sent
   * @param form what to read the answer as where its type allows
   * @param listener told each step, on this event loop, until the last one or {@link
   *     UpstreamCall#abort()}
   */
  public UpstreamCall call(
      Supplier<ByteBuf> body, AnswerForm form, Pooling pooling, Consumer<UpstreamReply> listener) {
    var call = new UpstreamCall(this, body, form, listener);
    call.connect(pooling);
    return call;
  }

  /** What each request says besides its body, with the key of this moment. */
  @SuppressWarnings("ReferenceEquality") // each reload makes another object
  RequestOptions template() {
    Settings current = settings.current();
    if (current != templateOf) {
      templateOf = current;
      template = template(current.upstream(), current.keys());
    }
    return template;
  }

  /** The key that {@link #template} has given out last. */
  Secret key() {
    return templateOf.keys().openRouter();
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

package freellmproxy.upstream;

import freellmproxy.config.LiveSettings;
import freellmproxy.config.Secret;
import freellmproxy.config.Settings;
import freellmproxy.egress.OutboundHttp;
import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.netty.buffer.ByteBuf;
import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpSettings;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.http.impl.HttpClientConnection;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends chat requests upstream and says what comes back.
 *
 * <p>Belongs to one event loop: Vert.x hands out pooled connections of any loop, so each loop has a
 * client of its own. Every method must be called there, and every reply is told there.
 */
public final class UpstreamClient {
  /** More than files allow: Vert.x queues silently beyond it, and has a place ready for each. */
  private static final int MAX_CONNECTIONS = 32_768;

  /** What servers commonly allow, and RFC 9113 section 6.5.2 advises. */
  private static final int COMMON_STREAMS_OF_HTTP2 = 100;

  /** Never reached: each carries {@link #COMMON_STREAMS_OF_HTTP2} calls or so. */
  private static final int MAX_HTTP2_OVERFLOW = 64;

  private static final Buffer PING = Buffer.buffer(new byte[8]);

  private final HttpClient pooled;

  /**
   * For what the one HTTP/2 connection of {@link #pooled} has no streams for. Calls would wait for
   * one there, and waiting looks like an upstream that cannot be reached. A pool with more than one
   * opens as many as it may at the first burst, so it is kept for this, and made for the first call
   * that needs it.
   */
  private @Nullable HttpClient overflow;

  private final HttpClient unpooled;
  private final Vertx vertx;
  private final Context context;
  private final LiveSettings settings;
  private final AnswerMemory answerMemory;
  private final Duration connectLimit;
  private final Time time;

  private Settings templateOf;
  private RequestOptions template;

  /** How many calls the pool takes at once before they wait for each other. */
  private long streams;

  private int openCalls;

  /** Connections that were asked for a sign of life and have not given it yet. */
  private final Set<HttpConnection> doubted = new HashSet<>();

  /** How many calls each connection of the pool has carried; after the first it may go stale. */
  private final Map<HttpConnection, Integer> carried = new HashMap<>();

  /** Must be called on the event loop it is for. */
  public UpstreamClient(Vertx vertx, LiveSettings settings, AnswerMemory answerMemory, Time time) {
    this.vertx = vertx;
    this.context = vertx.getOrCreateContext();
    this.settings = settings;
    this.answerMemory = answerMemory;
    this.templateOf = settings.current();
    this.connectLimit = templateOf.limits().connect();
    Settings.Upstream upstream = templateOf.upstream();
    this.time = time;
    this.pooled = pool(upstream, 1);
    this.streams =
        "https".equalsIgnoreCase(upstream.baseUrl().getScheme())
            ? COMMON_STREAMS_OF_HTTP2
            : Long.MAX_VALUE;
    this.unpooled =
        client(
            options(upstream)
                .setProtocolVersion(HttpVersion.HTTP_1_1)
                .setUseAlpn(false)
                .setKeepAlive(false),
            new PoolOptions(),
            UpstreamClient::logNoFailure);
    this.template = template(upstream, templateOf.keys());
  }

  private HttpClient pool(Settings.Upstream upstream, int http2Connections) {
    return client(
        options(upstream),
        new PoolOptions().setHttp2MaxSize(http2Connections).setMaxWaitQueueSize(-1),
        this::connected);
  }

  private HttpClient client(
      HttpClientOptions options, PoolOptions pool, Handler<HttpConnection> onConnect) {
    return vertx
        .httpClientBuilder()
        .with(options)
        .with(pool.setHttp1MaxSize(MAX_CONNECTIONS))
        .withConnectHandler(onConnect)
        .build();
  }

  private HttpClientOptions options(Settings.Upstream upstream) {
    return OutboundHttp.options(upstream.baseUrl(), upstream.egress(), connectLimit);
  }

  private static RequestOptions template(Settings.Upstream upstream, Settings.Keys keys) {
    var options =
        new RequestOptions()
            .setMethod(HttpMethod.POST)
            .setAbsoluteURI(upstream.baseUrl() + "/chat/completions")
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
    var call = new UpstreamCall(this, body, form, pooling, listener);
    HttpClient http =
        switch (pooling) {
          case REUSE -> openCalls < streams ? pooled : overflow();
          case FRESH -> fresh();
        };
    openCalls++;
    call.connect(http);
    return call;
  }

  private HttpClient overflow() {
    if (overflow == null) {
      overflow = pool(templateOf.upstream(), MAX_HTTP2_OVERFLOW);
    }
    return overflow;
  }

  /**
   * After a connection has turned out dead. On HTTP/1.1 others of the pool may be as stale; an
   * HTTP/2 connection has left the pool when it died.
   */
  HttpClient fresh() {
    return streams == Long.MAX_VALUE ? unpooled : pooled;
  }

  /** Address and headers of a request, with the key of this moment. */
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

  /** A call is over. */
  void ended() {
    openCalls--;
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

  private void connected(HttpConnection connection) {
    carried.put(connection, 0);
    if (connection.protocolVersion() == HttpVersion.HTTP_2) {
      streamsOf(connection.remoteSettings());
      connection.remoteSettingsHandler(this::streamsOf);
    } else {
      streams = Long.MAX_VALUE;
      AnswerTail.check(connection);
    }
    connection.closeHandler(closed -> {
      carried.remove(connection);
      doubted.remove(connection);
    });
    logNoFailure(connection);
  }

  /**
   * A connection's close is told, and each call's failure; without this Vert.x logs an error as
   * well, with what the upstream has sent in it.
   */
  private static void logNoFailure(HttpConnection connection) {
    connection.exceptionHandler(failure -> {});
  }

  private void streamsOf(HttpSettings settings) {
    if (settings instanceof Http2Settings theirs) {
      streams = theirs.getMaxConcurrentStreams();
    }
  }

  /**
   * Counts a call that a connection carries from now on.
   *
   * @return how many that makes; 1 on a connection that is not of the pool
   */
  int count(HttpConnection connection) {
    Integer calls = carried.computeIfPresent(connection, (key, before) -> before + 1);
    return calls == null ? 1 : calls;
  }

  /** Whether a connection has carried no call behind the one that was counted so. */
  boolean wasLast(HttpConnection connection, int count) {
    return carried.getOrDefault(connection, count) == count;
  }

  /**
   * Closes a connection of HTTP/2 that does not answer a ping. One that was lost without a word
   * would take call after call, and every model would look silent, until TCP gives up after a
   * quarter of an hour. One of HTTP/1 ends with the call that waited in vain.
   */
  void closeUnlessAlive(HttpConnection connection) {
    if (doubted.add(connection)) {
      Timer limit = time.after(connectLimit, () -> close(connection));
      connection
          .ping(PING)
          .onComplete(answered -> {
            limit.cancel();
            doubted.remove(connection);
          });
    }
  }

  /** At once. Vert.x alone would wait until the upstream has read all that is on its way to it. */
  static void close(HttpConnection connection) {
    connection.close();
    if (connection instanceof HttpClientConnection open) {
      var _ = open.channelHandlerContext().close();
    }
  }

  /** Closes all connections. */
  public void close() {
    pooled.close();
    if (overflow != null) {
      overflow.close();
    }
    unpooled.close();
  }
}

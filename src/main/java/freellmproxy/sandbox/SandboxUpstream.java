package freellmproxy.sandbox;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.KeyCertOptions;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * An embedded OpenRouter with a model list beside it: real HTTP on a loopback port, good answers by
 * default, named faults on demand. Thread-safe.
 */
public final class SandboxUpstream {
  private static final String CHAT = "/api/v1/chat/completions";
  private static final Behaviour WELL = ChatAnswer.standard();
  private static final String LIST = "/api/free-llm/top-models";

  private final Vertx vertx;
  private final Options options;
  private final HttpServer server;
  private final Map<String, Script> scripts = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<ReceivedRequest> received = new ConcurrentLinkedQueue<>();
  private final AtomicLong numbers = new AtomicLong();
  private final AtomicInteger open = new AtomicInteger();
  private final AtomicInteger connections = new AtomicInteger();
  private final ControlEndpoint control = new ControlEndpoint(this);
  private final RecordedList recordedList = RecordedList.load();
  private volatile Behaviour standard = WELL;
  private volatile Behaviour list = Faults.status(200, recordedList.json());

  /**
   * How to run it.
   *
   * @param port 0 picks a free one
   * @param recording whether requests are kept for {@link #received()}; off under load
   * @param tls a certificate to serve TLS with, null for plain HTTP
   * @param offer what callers may choose over TLS
   */
  public record Options(int port, Recording recording, @Nullable KeyCertOptions tls, Offer offer) {
    /** Plain HTTP on a free port, recording. */
    public static final Options FOR_TESTS = new Options(0, Recording.ON, null);

    /** Whatever is common: HTTP/2 over TLS, HTTP/1.1 without it. */
    public Options(int port, Recording recording, @Nullable KeyCertOptions tls) {
      this(port, recording, tls, Offer.HTTP_2);
    }
  }

  /** Which versions of HTTP are offered over TLS. */
  public enum Offer {
    /** None but HTTP/1.1. */
    HTTP_1_1,
    /** Both, HTTP/2 first. */
    HTTP_2;

    private List<HttpVersion> versions() {
      return switch (this) {
        case HTTP_1_1 -> List.of(HttpVersion.HTTP_1_1);
        case HTTP_2 -> List.of(HttpVersion.HTTP_2, HttpVersion.HTTP_1_1);
      };
    }
  }

  /** Whether requests are kept. */
  public enum Recording {
    ON,
    OFF
  }

  /** What a model does: its behaviours in order, the last one for ever. */
  private record Script(List<Behaviour> behaviours, AtomicInteger next) {
    Behaviour take() {
      int index = next.getAndUpdate(i -> Math.min(i + 1, behaviours.size() - 1));
      return behaviours.get(index);
    }
  }

  private SandboxUpstream(Vertx vertx, Options options) {
    this.vertx = vertx;
    this.options = options;
    this.server =
        vertx
            .createHttpServer(serverOptions(options))
            .connectionHandler(connection -> {
              connections.incrementAndGet();
              connection.closeHandler(closed -> connections.decrementAndGet());
            })
            .requestHandler(this::route);
  }

  private static HttpServerOptions serverOptions(Options options) {
    var serverOptions =
        new HttpServerOptions().setMaxHeaderSize(64 << 10).setHttp2ClearTextEnabled(false);
    return options.tls() == null
        ? serverOptions
        : serverOptions
            .setSsl(true)
            .setUseAlpn(true)
            .setAlpnVersions(options.offer().versions())
            .setKeyCertOptions(options.tls());
  }

  /** Starts one on the loopback interface; it listens when the future completes. */
  public static Future<SandboxUpstream> start(Vertx vertx, Options options) {
    var sandbox = new SandboxUpstream(vertx, options);
    return sandbox.server.listen(options.port(), "127.0.0.1").map(listening -> sandbox);
  }

  /** What {@code UPSTREAM_BASE_URL} is to be. */
  public URI baseUrl() {
    return URI.create(origin() + "/api/v1");
  }

  /** What {@code MODELS_LIST_URL} is to be. */
  public URI modelListUrl() {
    return URI.create(origin() + LIST);
  }

  private String origin() {
    return (options.tls() == null ? "http" : "https") + "://127.0.0.1:" + server.actualPort();
  }

  /** Makes a model do this for its next calls, in order; the last one repeats for ever. */
  public void script(String model, Behaviour first, Behaviour... then) {
    var behaviours = new ArrayList<Behaviour>();
    behaviours.add(first);
    behaviours.addAll(List.of(then));
    scripts.put(model, new Script(List.copyOf(behaviours), new AtomicInteger()));
  }

  /** Makes every model without a script do this. */
  public void scriptOthers(Behaviour behaviour) {
    standard = behaviour;
  }

  /** Makes every model without a script answer well again. */
  public void unscriptOthers() {
    standard = WELL;
  }

  /** Makes a model answer well again. */
  public void unscript(String model) {
    scripts.remove(model);
  }

  /** Makes the list's address answer like this. */
  public void scriptList(Behaviour behaviour) {
    list = behaviour;
  }

  /** The chat requests received so far, in order. */
  public List<ReceivedRequest> received() {
    return List.copyOf(received);
  }

  /** Forgets what was received. */
  public void clearReceived() {
    received.clear();
  }

  /** Answers under way. */
  public int openRequests() {
    return open.get();
  }

  /** Connections that stand. */
  public int openConnections() {
    return connections.get();
  }

  /** The models of the recorded list, best first. */
  public List<String> modelIds() {
    return recordedList.ids();
  }

  RecordedList recordedList() {
    return recordedList;
  }

  private void route(HttpServerRequest request) {
    String path = request.path() == null ? "/" : request.path();
    if (path.equals(CHAT)) {
      request.body().onSuccess(body -> chat(request, body));
    } else if (path.equals(LIST)) {
      BehaviourPlayer.play(
          vertx, request, list.steps(describe(0, request, Buffer.buffer(), Promise.promise())));
    } else if (path.startsWith(ControlEndpoint.PREFIX)) {
      request.body().onSuccess(body -> control.handle(request, body));
    } else {
      reads(request, path);
    }
  }

  /** The reads of OpenRouter that cost nothing. */
  private void reads(HttpServerRequest request, String path) {
    switch (path) {
      case "/api/v1/models", "/api/v1/models/user" ->
          answer(request, 200, recordedList.asOpenRouterModels());
      case "/api/v1/key" ->
          answer(
              request,
              200,
              """
              {"data":{"label":"sandbox","free_model_daily_requests":\
              {"used":%d,"limit":50,"remaining":%d}}}\
              """
                  .formatted(Math.min(50, numbers.get()), Math.max(0, 50 - numbers.get())));
      default ->
          answer(
              request, 404, "{\"error\":{\"message\":\"Not found in the sandbox\",\"code\":404}}");
    }
  }

  private void chat(HttpServerRequest request, Buffer body) {
    if (!request.headers().contains("authorization")) {
      answer(request, 401, "{\"error\":{\"message\":\"No auth credentials found\",\"code\":401}}");
      return;
    }
    Promise<Void> aborted = Promise.promise();
    ReceivedRequest described = describe(numbers.incrementAndGet(), request, body, aborted);
    if (options.recording() == Recording.ON) {
      received.add(described);
    }
    open.incrementAndGet();
    Promise<Void> over = Promise.promise();
    over.future().onComplete(ended -> open.decrementAndGet());
    request
        .response()
        .endHandler(end -> over.tryComplete())
        // The end handler is silent when the connection goes first.
        .closeHandler(closed -> {
          aborted.tryComplete();
          over.tryComplete();
        });
    Script script = scripts.get(described.model());
    Behaviour behaviour = script == null ? standard : script.take();
    BehaviourPlayer.play(vertx, request, behaviour.steps(described));
  }

  private static ReceivedRequest describe(
      long number, HttpServerRequest request, Buffer body, Promise<Void> aborted) {
    byte[] bytes = body.getBytes();
    return new ReceivedRequest(
        number,
        request.headers(),
        bytes,
        BodyGlance.model(bytes),
        BodyGlance.stream(bytes),
        aborted.future());
  }

  static void answer(HttpServerRequest request, int status, String json) {
    request
        .response()
        .setStatusCode(status)
        .putHeader("content-type", "application/json")
        .putHeader("x-sandbox", "true")
        .end(json);
  }

  /** Stops listening and closes all connections. */
  public Future<Void> close() {
    return server.close();
  }
}

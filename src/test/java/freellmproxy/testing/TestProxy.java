package freellmproxy.testing;

import freellmproxy.Proxy;
import freellmproxy.ProxyVertx;
import freellmproxy.config.LiveSettings;
import freellmproxy.config.Settings;
import freellmproxy.config.SettingsLoader;
import freellmproxy.observe.Journal;
import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.time.Time;
import freellmproxy.time.VertxTime;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A proxy with its sandbox, as a user would start them, on free ports. */
public final class TestProxy implements AutoCloseable {
  public static final String KEY = "test-proxy-key-0123456789";

  /** A plain chat request. */
  public static final String CHAT = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";

  public static final String UPSTREAM_KEY = "test-upstream-key-9876543210";

  /** The models of the recorded list, best first. */
  public static final String FIRST = "inclusionai/ling-2.6-flash:free";

  public static final String SECOND = "inclusionai/ling-2.6-1t:free";
  public static final String THIRD = "minimax/minimax-m2.5:free";

  private static final Path NO_FILE = Path.of("no-such.env");

  private static final HttpClient CLIENT =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(10))
          .build();

  private final Vertx vertx;
  private final SandboxUpstream sandbox;
  private final Proxy proxy;

  private TestProxy(Vertx vertx, SandboxUpstream sandbox, Proxy proxy) {
    this.vertx = vertx;
    this.sandbox = sandbox;
    this.proxy = proxy;
  }

  /** Starts with the machine's time and these settings, given as name, value, name, value. */
  public static TestProxy start(String... settings) {
    Vertx vertx = ProxyVertx.create();
    return start(vertx, new VertxTime(vertx), settings);
  }

  /** Starts with a time of the test's own. */
  public static TestProxy startAt(Time time, String... settings) {
    return start(ProxyVertx.create(), time, settings);
  }

  /** The same, with a list of these models in this order. */
  public static TestProxy startListing(Time time, List<String> models, String... settings) {
    String list =
        models.stream()
            .map(model -> "{\"id\":\"" + model + "\"}")
            .collect(Collectors.joining(",", "[", "]"));
    return start(
        ProxyVertx.create(),
        time,
        SandboxUpstream.Options.FOR_TESTS,
        sandbox -> {
          sandbox.scriptList(Faults.status(200, list));
          return settings;
        });
  }

  /** Starts with one more that is told of each request. */
  public static TestProxy startTelling(Time time, Journal.Named... sinks) {
    return startLive(
        ProxyVertx.create(),
        time,
        SandboxUpstream.Options.FOR_TESTS,
        sandbox -> liveSettings(sandbox),
        List.of(sinks));
  }

  private static TestProxy start(Vertx vertx, Time time, String... settings) {
    return start(vertx, time, SandboxUpstream.Options.FOR_TESTS, sandbox -> settings);
  }

  /** Starts in front of another kind of sandbox, with settings made for it. */
  public static TestProxy start(
      SandboxUpstream.Options options, Function<SandboxUpstream, String[]> settings) {
    Vertx vertx = ProxyVertx.create();
    return start(vertx, new VertxTime(vertx), options, settings);
  }

  /** Starts on a Vert.x of the test's own, which is closed with the proxy. */
  public static TestProxy start(
      Vertx vertx,
      Time time,
      SandboxUpstream.Options options,
      Function<SandboxUpstream, String[]> settings) {
    return startLive(
        vertx,
        time,
        options,
        sandbox -> fixed(loaded(environment(sandbox, settings.apply(sandbox)), NO_FILE)));
  }

  /** Starts with the keys and whatever else this file sets; it can be changed and reloaded. */
  public static TestProxy startWith(Path dotEnv) {
    Vertx vertx = ProxyVertx.create();
    return startLive(
        vertx,
        new VertxTime(vertx),
        SandboxUpstream.Options.FOR_TESTS,
        sandbox -> {
          var environment = environment(sandbox);
          environment.keySet().removeAll(Set.of("OPENROUTER_API_KEY", "PROXY_API_KEY", "PORT"));
          return new LiveSettings(
              loaded(environment, dotEnv), () -> SettingsLoader.load(environment, dotEnv));
        });
  }

  /** Starts with a list that answers like this, and does not wait until it is read. */
  public static TestProxy startUnread(Time time, Behaviour list) {
    return startListening(
        ProxyVertx.create(),
        time,
        SandboxUpstream.Options.FOR_TESTS,
        sandbox -> {
          sandbox.scriptList(list);
          return fixed(loaded(environment(sandbox), NO_FILE));
        },
        List.of());
  }

  /** Starts with these settings, and does not wait until the list is read. */
  public static TestProxy startUnread(Time time, String... settings) {
    return startListening(
        ProxyVertx.create(),
        time,
        SandboxUpstream.Options.FOR_TESTS,
        sandbox -> fixed(loaded(environment(sandbox, settings), NO_FILE)),
        List.of());
  }

  private static TestProxy startLive(
      Vertx vertx,
      Time time,
      SandboxUpstream.Options options,
      Function<SandboxUpstream, LiveSettings> settings) {
    return startLive(vertx, time, options, settings, List.of());
  }

  private static TestProxy startLive(
      Vertx vertx,
      Time time,
      SandboxUpstream.Options options,
      Function<SandboxUpstream, LiveSettings> settings,
      List<Journal.Named> sinks) {
    TestProxy started = startListening(vertx, time, options, settings, sinks);
    await(started.proxy.firstReading());
    return started;
  }

  private static TestProxy startListening(
      Vertx vertx,
      Time time,
      SandboxUpstream.Options options,
      Function<SandboxUpstream, LiveSettings> settings,
      List<Journal.Named> sinks) {
    SandboxUpstream sandbox = await(SandboxUpstream.start(vertx, options));
    return new TestProxy(
        vertx, sandbox, await(Proxy.start(vertx, settings.apply(sandbox), time, sinks)));
  }

  /** Settings that a reload does not change. */
  private static LiveSettings fixed(SettingsLoader.Result.Loaded loaded) {
    return new LiveSettings(loaded, () -> loaded);
  }

  /** Settings for a proxy in front of a sandbox; those given replace the others. */
  public static Settings settings(SandboxUpstream sandbox, String... more) {
    return loaded(environment(sandbox, more), NO_FILE).settings();
  }

  /** The same, for what obeys a reload. */
  public static LiveSettings liveSettings(SandboxUpstream sandbox, String... more) {
    return fixed(loaded(environment(sandbox, more), NO_FILE));
  }

  private static Map<String, String> environment(SandboxUpstream sandbox, String... more) {
    Map<String, String> values = new HashMap<>();
    values.put("OPENROUTER_API_KEY", UPSTREAM_KEY);
    values.put("PROXY_API_KEY", KEY);
    values.put("MODELS_LIST_URL", sandbox.modelListUrl().toString());
    values.put("UPSTREAM_BASE_URL", sandbox.baseUrl().toString());
    if ("https".equals(sandbox.baseUrl().getScheme())) {
      // What the upstream of a test offers decides.
      values.put("UPSTREAM_HTTP", "2");
    }
    values.put("HOST", "127.0.0.1");
    values.put("PORT", "0");
    for (int i = 0; i < more.length; i += 2) {
      values.put(more[i], more[i + 1]);
    }
    return values;
  }

  private static SettingsLoader.Result.Loaded loaded(Map<String, String> environment, Path file) {
    return switch (SettingsLoader.load(environment, file)) {
      case SettingsLoader.Result.Loaded loaded -> loaded;
      case SettingsLoader.Result.Refused refused ->
          throw new AssertionError(refused.problems().toString());
    };
  }

  public SandboxUpstream sandbox() {
    return sandbox;
  }

  public Proxy proxy() {
    return proxy;
  }

  public int port() {
    return proxy.port();
  }

  public URI uri(String path) {
    return URI.create("http://127.0.0.1:" + port() + path);
  }

  /** A plain chat request with this text, answered whole. */
  public HttpResponse<String> chat() {
    return post(CHAT);
  }

  /** A streamed chat request, answered whole. */
  public HttpResponse<String> stream() {
    return post("{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}");
  }

  /** A chat request with this body. */
  public HttpResponse<String> post(String body) {
    return send(
        request("/v1/chat/completions")
            .header("Authorization", "Bearer " + KEY)
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  /** Has the list read again, and all rests end. */
  public HttpResponse<String> refresh() {
    return send(
        request("/admin/refresh")
            .header("x-api-key", KEY)
            .POST(HttpRequest.BodyPublishers.noBody()));
  }

  /** A GET without a key. */
  public HttpResponse<String> get(String path) {
    return send(request(path).GET());
  }

  /** The metrics once no request is being answered, so that every one before has been counted. */
  public String settledMetrics() {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (true) {
      String metrics = get("/metrics").body();
      if (metrics.contains("freellm_inflight_requests 0.0")) {
        return metrics;
      }
      if (System.nanoTime() > end) {
        throw new AssertionError("requests stay in flight: " + metrics);
      }
    }
  }

  /** Waits until so many chats have reached the sandbox. */
  public void awaitReceived(int count) {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (sandbox.received().size() < count) {
      get("/health");
      if (System.nanoTime() > end) {
        throw new AssertionError("only " + sandbox.received().size() + " chats were received");
      }
    }
  }

  public HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(uri(path)).timeout(Duration.ofSeconds(30));
  }

  public HttpResponse<String> send(HttpRequest.Builder request) {
    try {
      return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new AssertionError("the proxy did not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /** Waits for a future of the proxy or the sandbox. */
  public static <T> T await(Future<T> future) {
    return future.toCompletionStage().toCompletableFuture().orTimeout(30, TimeUnit.SECONDS).join();
  }

  @Override
  public void close() {
    await(vertx.close());
  }
}

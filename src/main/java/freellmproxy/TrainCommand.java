package freellmproxy;

import freellmproxy.observe.Logging;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.SandboxUpstream.Options;
import freellmproxy.sandbox.SandboxUpstream.Recording;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;

/**
 * {@code free-llm-proxy train}: a run that does once what the proxy does all day, then ends. The
 * launcher records it with {@code -XX:AOTCacheOutput}, so that later starts find classes loaded and
 * know which methods are worth compiling.
 */
@Command(
    name = "train",
    description = "Exercise the proxy against its sandbox and end; used to make the AOT cache.",
    hidden = true,
    mixinStandardHelpOptions = true)
final class TrainCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(TrainCommand.class);
  private static final int REQUESTS = 4_000;
  private static final String KEY = "training-needs-a-key";
  private static final long TIMEOUT_SECONDS = 120;

  /** Does not return: what is to be recorded ends with the process. */
  @Override
  public Integer call() {
    Vertx vertx = ProxyVertx.create();
    var sandbox = await(SandboxUpstream.start(vertx, new Options(0, Recording.OFF, null)));
    return new ServeCommand(
            () -> SandboxSettings.load(sandbox, KEY, "0"),
            (settings, proxy, catalog) ->
                new Thread(() -> exercise(vertx, sandbox, proxy), "train").start())
        .call();
  }

  private static void exercise(Vertx vertx, SandboxUpstream sandbox, Proxy proxy) {
    try {
      exercise(vertx.createHttpClient(), sandbox, proxy.port());
    } catch (RuntimeException e) {
      LOG.atError().setCause(e).log("training_failed");
      Logging.stop();
      Runtime.getRuntime().halt(1);
    }
    System.exit(0);
  }

  private static void exercise(HttpClient client, SandboxUpstream sandbox, int port) {
    // Not /metrics: a cache loads all it holds at every start, and the JVM's management is large.
    for (String path : new String[] {"/health", "/ready", "/v1/models"}) {
      await(get(client, port, path));
    }
    String first = sandbox.modelIds().getFirst();
    sandbox.script(first, Faults.error(429, "slow down"), ChatAnswer.standard());
    await(chat(client, port, true));
    await(chat(client, port, false));
    sandbox.unscript(first);
    for (int i = 0; i < REQUESTS; i++) {
      await(chat(client, port, i % 4 == 0));
    }
  }

  private static Future<Buffer> get(HttpClient client, int port, String path) {
    return ask(client, port, HttpMethod.GET, path, Buffer.buffer());
  }

  private static Future<Buffer> chat(HttpClient client, int port, boolean stream) {
    String body =
        """
        {"model":"auto","stream":%s,"temperature":0.7,
         "tools":[{"type":"function","function":{"name":"f"}}],
         "messages":[{"role":"system","content":"You are training."},
                     {"role":"user","content":"%s"}]}
        """
            .formatted(stream, "Сколько букв? How many letters? \\n".repeat(60));
    return ask(client, port, HttpMethod.POST, "/v1/chat/completions", Buffer.buffer(body));
  }

  private static Future<Buffer> ask(
      HttpClient client, int port, HttpMethod method, String path, Buffer body) {
    var options =
        new RequestOptions()
            .setMethod(method)
            .setHost("127.0.0.1")
            .setPort(port)
            .setURI(path)
            .putHeader("Authorization", "Bearer " + KEY);
    return client
        .request(options)
        .compose(request -> request.send(body))
        .compose(response -> response.body());
  }

  private static <T> T await(Future<T> future) {
    return Await.result(future.timeout(TIMEOUT_SECONDS, TimeUnit.SECONDS));
  }
}

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * The load that wrk cannot make, on loopback only and bounded in count and time: requests at a
 * fixed rate for one URL after the other ({@code rate BODY_FILE REQUESTS_PER_SECOND TURNS URL...}),
 * and many streams at once ({@code streams BODY_FILE COUNT SECONDS URL}). Prints what it saw as
 * {@code name value} pairs, a line for each turn of each URL.
 */
final class Load {
  private static final long PATIENCE_SECONDS = 120;

  /** The first answers take long; without a limit hundreds would be opened, and closed later. */
  private static final int CONNECTIONS_FOR_A_RATE = 64;

  private final HttpClient client;
  private final Buffer body;

  private Load(Path bodyFile, int connections) throws Exception {
    Vertx vertx =
        Vertx.vertx(new VertxOptions().setPreferNativeTransport(true).setEventLoopPoolSize(1));
    client =
        vertx.createHttpClient(
            // Those that are not needed again are not closed while something is measured.
            new HttpClientOptions().setKeepAliveTimeout(0),
            new PoolOptions().setHttp1MaxSize(connections));
    body = Buffer.buffer(Files.readAllBytes(bodyFile));
  }

  public static void main(String[] args) throws Exception {
    int amount = Integer.parseInt(args[2]);
    boolean isRate = args[0].equals("rate");
    var load = new Load(Path.of(args[1]), isRate ? CONNECTIONS_FOR_A_RATE : amount);
    int times = Integer.parseInt(args[3]);
    List<RequestOptions> targets = Arrays.stream(args).skip(4).map(Load::post).toList();
    try {
      if (isRate) {
        load.rate(amount, times, targets);
      } else {
        load.streams(amount, times, targets.getFirst());
      }
      System.exit(0);
    } catch (IllegalStateException gaveUp) {
      System.err.println(gaveUp.getMessage());
      // The threads of Vert.x would go on.
      System.exit(1);
    }
  }

  private static RequestOptions post(String url) {
    return new RequestOptions()
        .setMethod(HttpMethod.POST)
        .setAbsoluteURI(url)
        .putHeader("Authorization", "Bearer bench-proxy-key-1234567890")
        .putHeader("Content-Type", "application/json");
  }

  /** A turn is a second for each target: whatever else the machine does, all of them meet it. */
  private void rate(int perSecond, int turns, List<RequestOptions> targets)
      throws InterruptedException {
    for (int turn = 0; turn < turns; turn++) {
      for (int target = 0; target < targets.size(); target++) {
        System.out.println("target " + target + " " + second(perSecond, targets.get(target)));
      }
    }
  }

  /** Open loop: a slow answer does not hold back the requests behind it. */
  private String second(int count, RequestOptions request) throws InterruptedException {
    long[] nanos = new long[count];
    var failures = new AtomicInteger();
    var left = new CountDownLatch(count);
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      long due = start + i * 1_000_000_000L / count;
      while (System.nanoTime() < due) {
        TimeUnit.NANOSECONDS.sleep(Math.max(1, due - System.nanoTime()));
      }
      int index = i;
      long sent = System.nanoTime();
      client
          .request(request)
          .compose(r -> r.send(body))
          .compose(answer -> answer.body().map(b -> answer.statusCode()))
          .onComplete(done -> {
            nanos[index] = System.nanoTime() - sent;
            if (done.failed() || done.result() != 200) {
              failures.incrementAndGet();
            }
            left.countDown();
          });
    }
    if (!left.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw new IllegalStateException("answers missing: " + left.getCount());
    }
    Arrays.sort(nanos);
    return "p50_us %d p95_us %d p99_us %d failures %d"
        .formatted(
            nanos[count / 2] / 1000,
            nanos[count * 95 / 100] / 1000,
            nanos[count * 99 / 100] / 1000,
            failures.get());
  }

  private void streams(int count, int seconds, RequestOptions request)
      throws InterruptedException {
    var open = new CountDownLatch(count);
    var events = new LongAdder();
    var failures = new AtomicInteger();
    for (int i = 0; i < count; i++) {
      client
          .request(request)
          .compose(r -> r.send(body))
          .onFailure(e -> failures.incrementAndGet())
          .onSuccess(answer -> {
            var first = new AtomicInteger();
            answer.exceptionHandler(e -> failures.incrementAndGet());
            answer.handler(chunk -> {
              for (int at = 0; at < chunk.length(); at++) {
                if (chunk.getByte(at) == '{' && at > 0 && chunk.getByte(at - 1) == ' ') {
                  events.increment();
                }
              }
              if (first.getAndIncrement() == 0) {
                open.countDown();
              }
            });
          });
      if (i % 50 == 49) {
        // No faster than a listen queue can take them.
        TimeUnit.MILLISECONDS.sleep(5);
      }
    }
    if (!open.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw new IllegalStateException("streams that did not begin: " + open.getCount());
    }
    events.reset();
    System.out.println("open " + count);
    TimeUnit.SECONDS.sleep(seconds);
    System.out.println("events " + events.sum());
    System.out.println("failures " + failures);
  }
}

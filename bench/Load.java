import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * The load that wrk cannot make, on loopback only and bounded in count and time: requests at a
 * fixed rate ({@code rate URL BODY_FILE REQUESTS_PER_SECOND SECONDS}), and many streams at once
 * ({@code streams URL BODY_FILE COUNT SECONDS}). Prints what it saw as {@code name value} lines.
 */
final class Load {
  private static final long PATIENCE_SECONDS = 120;
  private final HttpClient client;
  private final RequestOptions request;
  private final Buffer body;

  private Load(String url, Path bodyFile) throws Exception {
    Vertx vertx =
        Vertx.vertx(new VertxOptions().setPreferNativeTransport(true).setEventLoopPoolSize(1));
    client = vertx.createHttpClient(new PoolOptions().setHttp1MaxSize(20_000));
    request =
        new RequestOptions()
            .setMethod(HttpMethod.POST)
            .setAbsoluteURI(url)
            .putHeader("Authorization", "Bearer bench-proxy-key-1234567890")
            .putHeader("Content-Type", "application/json");
    body = Buffer.buffer(Files.readAllBytes(bodyFile));
  }

  public static void main(String[] args) throws Exception {
    var load = new Load(args[1], Path.of(args[2]));
    int amount = Integer.parseInt(args[3]);
    int seconds = Integer.parseInt(args[4]);
    if (args[0].equals("rate")) {
      load.rate(amount, seconds);
    } else {
      load.streams(amount, seconds);
    }
    System.exit(0);
  }

  /** Open loop: a slow answer does not hold back the requests behind it. */
  private void rate(int perSecond, int seconds) throws InterruptedException {
    int count = perSecond * seconds;
    long[] nanos = new long[count];
    var failures = new AtomicInteger();
    var left = new CountDownLatch(count);
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      long due = start + i * 1_000_000_000L / perSecond;
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
    // The first half warms up, the loader itself too.
    long[] counted = Arrays.copyOfRange(nanos, count / 2, count);
    Arrays.sort(counted);
    System.out.println("p50_us " + counted[counted.length / 2] / 1000);
    System.out.println("p99_us " + counted[counted.length * 99 / 100] / 1000);
    System.out.println("failures " + failures);
  }

  private void streams(int count, int seconds) throws InterruptedException {
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

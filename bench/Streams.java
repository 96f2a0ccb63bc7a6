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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * Many streams at once, on loopback only and bounded in count and time: {@code BODY_FILE COUNT
 * SECONDS URL}. Prints how many are open as soon as all have begun, then the events of the seconds
 * after that.
 */
final class Streams {
  private static final long PATIENCE_SECONDS = 120;

  private Streams() {}

  public static void main(String[] args) throws Exception {
    Buffer body = Buffer.buffer(Files.readAllBytes(Path.of(args[0])));
    int count = Integer.parseInt(args[1]);
    int seconds = Integer.parseInt(args[2]);
    Vertx vertx =
        Vertx.vertx(new VertxOptions().setPreferNativeTransport(true).setEventLoopPoolSize(1));
    HttpClient client =
        vertx.createHttpClient(new HttpClientOptions(), new PoolOptions().setHttp1MaxSize(count));
    boolean allBegan = streams(client, post(args[3]), body, count, seconds);
    // The threads of Vert.x would go on.
    System.exit(allBegan ? 0 : 1);
  }

  private static RequestOptions post(String url) {
    return new RequestOptions()
        .setMethod(HttpMethod.POST)
        .setAbsoluteURI(url)
        .putHeader("Authorization", "Bearer bench-proxy-key-1234567890")
        .putHeader("Content-Type", "application/json");
  }

  private static boolean streams(
      HttpClient client, RequestOptions request, Buffer body, int count, int seconds)
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
      System.err.println("streams that did not begin: " + open.getCount());
      return false;
    }
    events.reset();
    System.out.println("open " + count);
    TimeUnit.SECONDS.sleep(seconds);
    System.out.println("events " + events.sum());
    System.out.println("failures " + failures);
    return true;
  }
}

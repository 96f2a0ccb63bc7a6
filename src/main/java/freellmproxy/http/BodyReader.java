package freellmproxy.http;

import freellmproxy.time.Limit;
import freellmproxy.time.Time;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.Consumer;

/** Reads one request body into memory, within limits of size and patience (contract section 12). */
final class BodyReader {
  /** Slow senders are cut after this long without a byte. */
  static final Duration PATIENCE = Duration.ofSeconds(30);

  /** A length that is only announced reserves no more than this. */
  private static final int LARGEST_FIRST_CHUNK = 1 << 20;

  private static final int SMALLEST_FIRST_CHUNK = 4 << 10;

  private final int maxBytes;
  private final Consumer<Result> onResult;
  private byte[] bytes = new byte[0];
  private int length;
  private final Limit patience;
  private boolean over;

  /** What came of reading. */
  sealed interface Result {
    /** The whole body. */
    record Complete(byte[] body) implements Result {}

    /** It is, or claims to be, larger than allowed; the rest was not read. */
    record TooLarge() implements Result {}

    /** The client stopped sending. */
    record TooSlow() implements Result {}
  }

  private BodyReader(int maxBytes, Time time, Consumer<Result> onResult) {
    this.maxBytes = maxBytes;
    this.patience = new Limit(time, () -> finish(new Result.TooSlow()));
    this.onResult = onResult;
  }

  /** Starts reading; {@code onResult} is told once, unless the client goes away first. */
  static void read(HttpServerRequest request, int maxBytes, Time time, Consumer<Result> onResult) {
    new BodyReader(maxBytes, time, onResult).start(request);
  }

  private void start(HttpServerRequest request) {
    long announced = announced(request);
    if (announced > maxBytes) {
      finish(new Result.TooLarge());
      return;
    }
    if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
      request.response().writeContinue();
    }
    bytes = new byte[Math.clamp(announced, SMALLEST_FIRST_CHUNK, LARGEST_FIRST_CHUNK)];
    patience.in(PATIENCE);
    request.handler(this::append);
    request.endHandler(end -> finish(new Result.Complete(exactly())));
    request.exceptionHandler(failure -> stop());
  }

  private static long announced(HttpServerRequest request) {
    String header = request.getHeader(HttpHeaders.CONTENT_LENGTH);
    // Netty refuses requests whose length is no number before they get here.
    return header == null ? 0 : Long.parseLong(header);
  }

  private void append(Buffer chunk) {
    if (over) {
      return;
    }
    patience.in(PATIENCE);
    int needed = length + chunk.length();
    if (needed > maxBytes) {
      finish(new Result.TooLarge());
      return;
    }
    if (needed > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(needed, Math.min(2 * bytes.length, maxBytes)));
    }
    chunk.getBytes(bytes, length);
    length = needed;
  }

  /** Most clients announce the length, and then nothing needs to be copied. */
  private byte[] exactly() {
    return bytes.length == length ? bytes : Arrays.copyOf(bytes, length);
  }

  private void finish(Result result) {
    if (!over) {
      stop();
      onResult.accept(result);
    }
  }

  private void stop() {
    over = true;
    patience.cancel();
  }
}

package freellmproxy.http;

import freellmproxy.chat.RequestScan;
import freellmproxy.chat.RequestScanner;
import io.netty.buffer.ByteBuf;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Scans large bodies one after the other on a thread of its own: the worst of 32 MB takes a few
 * hundred milliseconds, and an event loop serves others meanwhile (decision 0026). One at a time,
 * so that the heap holds no more than one copy. Thread-safe.
 */
public final class LargeBodies {
  /** Vert.x keeps one thread of that name. */
  public static final String THREAD = "large-bodies";

  /**
   * A body up to this is scanned where it has come: the worst one takes 7 ms, and 20 ms before the
   * compiler has seen any.
   */
  static final int LONGEST_ON_LOOP = 256 << 10;

  /** The copy is on the heap for as long as the scan; what would fill the heap is not taken. */
  private static final long LONGEST = Runtime.getRuntime().maxMemory() / 4;

  private final WorkerExecutor thread;
  private final RequestScanner scanner = new RequestScanner();

  public LargeBodies(Vertx vertx) {
    this.thread = vertx.createSharedWorkerExecutor(THREAD, 1);
  }

  /** How many bytes of a body the heap has room for, at most so many. */
  static int longest(int maxBytes) {
    return (int) Math.min(maxBytes, LONGEST);
  }

  /**
   * Scans a body and takes it over, as {@link RequestScanner#scan} does.
   *
   * @param isWanted asked from any thread when its turn has come
   * @return completes on the caller's event loop; null when nobody wanted the body any more
   */
  Future<RequestScan.@Nullable Result> scan(ByteBuf body, BooleanSupplier isWanted) {
    return thread.executeBlocking(
        () -> {
          if (isWanted.getAsBoolean()) {
            return scanner.scan(body);
          }
          body.release();
          return null;
        },
        false);
  }
}

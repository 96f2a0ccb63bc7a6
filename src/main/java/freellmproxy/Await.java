package freellmproxy;

import io.vertx.core.Future;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** How a command's thread waits for what happens on event loops. Not for event loops themselves. */
final class Await {
  private Await() {}

  /**
   * Waits for a result.
   *
   * @throws CompletionException with the reason as its cause, when there is none
   */
  static <T> T result(Future<T> future) {
    return future.toCompletionStage().toCompletableFuture().join();
  }

  /** Why there was no result. */
  static Throwable reason(CompletionException failure) {
    return failure.getCause() == null ? failure : failure.getCause();
  }

  /** Waits for ever: a signal ends the process. */
  static int signal() {
    return new CompletableFuture<Integer>().join();
  }
}

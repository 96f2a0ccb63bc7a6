package freellmproxy.sandbox;

import io.vertx.core.Future;
import io.vertx.core.Promise;

/** Holds an answer back until a test opens it. Thread-safe. */
public final class Gate {
  private final Promise<Void> reached = Promise.promise();
  private final Promise<Void> opened = Promise.promise();

  /** Lets everybody through, now and later. */
  public void open() {
    opened.tryComplete();
  }

  /** Completes when the first answer has come to this gate. */
  public Future<Void> reached() {
    return reached.future();
  }

  Future<Void> pass() {
    reached.tryComplete();
    return opened.future();
  }
}

package freellmproxy.egress;

import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Attempts at the addresses of one name, each begun when the one before has failed or has been
 * silent for a moment; the first to stand wins, the others are discarded (RFC 8305 section 5, with
 * TLS and the first word of HTTP/2 as part of standing). For one event loop.
 */
public final class Dial<T> {
  /** RFC 8305 section 8. */
  private static final Duration NEXT_AFTER = Duration.ofMillis(250);

  private final Time time;
  private final Function<InetAddress, Future<T>> open;
  private final Consumer<T> discard;
  private final Promise<T> first = Promise.promise();
  private final Promise<Void> over = Promise.promise();
  private Iterator<InetAddress> left = Collections.emptyIterator();
  private int underWay;
  private boolean isStopped;
  private @Nullable Timer next;
  private @Nullable Throwable fault;

  Dial(Time time, Function<InetAddress, Future<T>> open, Consumer<T> discard) {
    this.time = time;
    this.open = open;
    this.discard = discard;
  }

  /** What stood first; or else the failure that tells most ({@link ConnectFailure}). */
  public Future<T> first() {
    return first.future();
  }

  /** Ends when no attempt is under way any more, the discarded ones included; never fails. */
  public Future<Void> over() {
    return over.future();
  }

  /** Begins no further attempt. Those under way go on, and may still be the first. */
  public void stop() {
    isStopped = true;
    left = Collections.emptyIterator();
    cancelNext();
  }

  /** The addresses are known, at least one of them. */
  void begin(List<InetAddress> addresses) {
    if (isStopped) {
      fail(new CancellationException("given up before an address was known"));
    } else {
      left = addresses.iterator();
      attemptNext();
    }
  }

  /** No address is known. */
  void fail(Throwable failure) {
    over.complete();
    first.fail(failure);
  }

  private void attemptNext() {
    cancelNext();
    underWay++;
    Future<T> attempt = open.apply(left.next());
    if (left.hasNext()) {
      next = time.after(NEXT_AFTER, this::attemptNext);
    }
    attempt.onComplete(this::stands, this::failed);
  }

  private void stands(T opened) {
    underWay--;
    boolean isLate = first.future().isComplete();
    stop();
    endIfOver();
    if (isLate) {
      discard.accept(opened);
    } else {
      first.complete(opened);
    }
  }

  private void failed(Throwable failure) {
    underWay--;
    fault = fault == null ? failure : ConnectFailure.moreTelling(fault, failure);
    if (left.hasNext()) {
      attemptNext();
      return;
    }
    endIfOver();
    if (underWay == 0) {
      first.tryFail(fault);
    }
  }

  private void endIfOver() {
    if (underWay == 0 && !left.hasNext()) {
      over.tryComplete();
    }
  }

  private void cancelNext() {
    if (next != null) {
      next.cancel();
      next = null;
    }
  }
}

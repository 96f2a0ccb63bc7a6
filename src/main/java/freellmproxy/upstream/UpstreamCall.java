package freellmproxy.upstream;

import freellmproxy.config.Redactor;
import freellmproxy.config.Secret;
import freellmproxy.time.Time.Timer;
import freellmproxy.upstream.UpstreamReply.Fault;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One request upstream and its answer. Lives on one event loop. */
public final class UpstreamCall {
  private static final String EVENT_STREAM = "text/event-stream";

  /**
   * An idle connection that the upstream has closed says so within one round trip. Whoever hangs up
   * later has worked on the request.
   */
  private static final Duration STALE_KNOWN_BY = Duration.ofSeconds(1);

  /**
   * A server that closes a connection after so many bytes, as nginx does with requests it answers
   * unread, leaves calls out each time; one that leaves out the same call again and again refuses
   * it.
   */
  private static final int MOST_SENDINGS = 5;

  /** An upstream that means to end has done so by then. */
  private static final Duration RUN_OUT = Duration.ofSeconds(2);

  private final UpstreamClient client;
  private final Supplier<ByteBuf> body;
  private final AnswerForm form;
  private final Consumer<UpstreamReply> listener;

  private boolean over;
  private int sendings;
  private ConnectionPool.@Nullable Waiting waiting;

  /** While it has a place on a connection. */
  private @Nullable Sending sending;

  /** What it was sent with last. */
  private @Nullable RequestHead head;

  /** Since the head has come. */
  private @Nullable AnswerReader answer;

  UpstreamCall(
      UpstreamClient client,
      Supplier<ByteBuf> body,
      AnswerForm form,
      Consumer<UpstreamReply> listener) {
    this.client = client;
    this.body = body;
    this.form = form;
    this.listener = listener;
  }

  /** Asks for a connection and sends the request over it, perhaps before this returns. */
  public void start(Pooling pooling) {
    var next = client.pool().newWaiting(pooling, place -> send(place, pooling), this::fail);
    // Before it asks: what fails while it is sent asks anew, and then that is who waits.
    waiting = next;
    next.acquire();
  }

  private void send(UpstreamConnection place, Pooling pooling) {
    var next = new Sending(place, pooling);
    sending = next;
    sendings++;
    listener.accept(new UpstreamReply.Sent());
    if (!over) {
      RequestHead current = client.head();
      head = current;
      next.begin(current);
    }
  }

  private AnswerReader readerOf(int status, ReplyHeaders headers) {
    var share = new AnswerShare(client.answerMemory());
    boolean mayStream = form == AnswerForm.STREAM && status / 100 == 2;
    if (mayStream && isEventStream(headers)) {
      return new EventAnswer(share, listener);
    }
    var whole = new WholeAnswer(status, headers, share, client.answerMemory().largestAnswer());
    return mayStream ? new SniffedAnswer(whole, () -> new EventAnswer(share, listener)) : whole;
  }

  private static boolean isEventStream(ReplyHeaders headers) {
    String type = headers.first("content-type");
    return type != null && type.regionMatches(true, 0, EVENT_STREAM, 0, EVENT_STREAM.length());
  }

  private void fail(Fault fault) {
    fail(new UpstreamReply.Failure(fault));
  }

  private void fail(UpstreamReply.Failure failure) {
    if (!over) {
      settle();
      cut();
      listener.accept(failure);
    }
  }

  private void settle() {
    over = true;
    forget();
  }

  /**
   * Gives back the memory of what was told, which nobody needs any more. A call that has ended
   * keeps it until then.
   */
  public void forget() {
    if (answer != null) {
      answer.drop();
    }
  }

  /** Counts so many bytes of what was told as kept; says false when there is no memory for them. */
  public boolean holds(int bytes) {
    return answer == null || answer.holds(bytes);
  }

  /** Ends the call at once, upstream too; nothing more is told. Does nothing when it is over. */
  public void abort() {
    if (over) {
      return;
    }
    settle();
    if (waiting != null) {
      waiting.withdraw();
    }
    if (sending != null && answer == null) {
      sending.doubt();
    }
    cut();
  }

  /**
   * Lets the answer run out unheard, so that its connection can carry the next request; one that
   * goes on for too long is cut. Nothing more is told.
   */
  public void release() {
    if (over || answer == null) {
      return;
    }
    settle();
    if (sending != null) {
      sending.runOut();
    }
  }

  /** Leaves the connection before the end of the answer. */
  private void cut() {
    if (sending != null) {
      sending.cut();
    }
  }

  /** The upstream key it is sent with. */
  public Secret key() {
    return Objects.requireNonNull(head, "not connected").key();
  }

  /** Takes the secrets that it is sent with out of what is handed on of its answer. */
  public Redactor redactor() {
    return Objects.requireNonNull(head, "not connected").redactor();
  }

  /** Stops reading, so that the upstream has to wait. */
  public void pause() {
    if (sending != null) {
      sending.pause();
    }
  }

  /** Goes on reading. */
  public void resume() {
    if (sending != null) {
      sending.resume();
    }
  }

  /** The request on one connection. Hears nothing any more when it has left that. */
  private final class Sending implements StreamListener {
    private final UpstreamConnection place;
    private final Pooling pooling;
    private final long sentNanos = client.time().nanos();
    private @Nullable UpstreamStream stream;
    private @Nullable Timer runOutLimit;

    private Sending(UpstreamConnection place, Pooling pooling) {
      this.place = place;
      this.pooling = pooling;
    }

    private void begin(RequestHead head) {
      stream = place.newStream(this);
      stream.send(head, body.get());
    }

    @Override
    public void head(int status, ReplyHeaders headers) {
      answer = readerOf(status, headers);
      listener.accept(new UpstreamReply.Head(status, headers));
    }

    @Override
    public void piece(byte[] bytes) {
      if (!over && answer != null) {
        Fault fault = answer.read(bytes);
        if (fault != null) {
          fail(fault);
        }
      }
    }

    @Override
    public void end() {
      leave();
      if (!over && answer != null) {
        UpstreamReply last = answer.finish();
        if (!over) {
          over = true;
          listener.accept(last);
        }
      }
    }

    @Override
    public void lost(Loss loss) {
      if (!over && answer == null && mayBeRepeated(loss)) {
        // Says nothing about the model.
        cut();
        start(Pooling.FRESH);
      } else {
        cut();
        fail(loss == Loss.UNEXPECTED_INTERIM ? Fault.UNEXPECTED_INTERIM : Fault.CONNECTION_LOST);
      }
    }

    /** Whether the upstream cannot have begun to work on the request (docs/decisions/0016). */
    private boolean mayBeRepeated(Loss loss) {
      return switch (loss) {
        case UNPROCESSED -> sendings < MOST_SENDINGS;
        case CLOSED -> pooling == Pooling.REUSE && place.isShared() && isStale();
        case BROKEN, UNEXPECTED_INTERIM -> false;
      };
    }

    private boolean isStale() {
      return client.time().since(sentNanos).compareTo(STALE_KNOWN_BY) < 0;
    }

    private void runOut() {
      runOutLimit = client.time().after(RUN_OUT, this::cut);
      resume();
    }

    /**
     * Leaves the connection behind the answer. An upstream that has answered before it read the
     * whole request may never read the rest, and so not what is sent behind it either.
     */
    private void leave() {
      if (stream != null && stream.isSent()) {
        giveBack();
      } else {
        cut();
      }
    }

    private void cut() {
      if (sending == this) {
        if (stream != null) {
          stream.cut();
        }
        giveBack();
      }
    }

    private void giveBack() {
      sending = null;
      if (runOutLimit != null) {
        runOutLimit.cancel();
      }
      client.pool().giveBack(place);
    }

    private void doubt() {
      if (stream != null) {
        place.doubt(client.time(), client.connectLimit());
      }
    }

    private void pause() {
      if (stream != null) {
        stream.pause();
      }
    }

    private void resume() {
      if (stream != null) {
        stream.resume();
      }
    }
  }
}

package freellmproxy.exchange;

import freellmproxy.api.ApiError;
import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of an exchange. Exactly one of {@link #answer}, {@link #error} and {@link
 * #stream} is called, once. Every method does nothing when the client has gone.
 */
public interface ClientReply {

  /** Sends a whole answer as the upstream gave it. */
  void answer(
      int status,
      @Nullable String contentType,
      @Nullable String retryAfter,
      Buffer body,
      Tags tags);

  /** Sends an error of our own. */
  void error(ApiError error, Tags tags);

  /** Sends the head of an event stream. */
  EventSink stream(Tags tags);

  /** Runs {@code task} when the client goes away before its answer is complete. */
  void onGone(Runnable task);

  /**
   * What the headers of an answer say about how it came to be.
   *
   * @param model the id that answered, null when none did
   * @param attempts upstream calls made
   * @param trail whom they went to and what came of each; empty when there were none
   */
  record Tags(@Nullable String model, int attempts, String trail) {
    /** Of an answer for which nobody was asked. */
    static final Tags NONE = new Tags(null, 0, "");
  }

  /** The open event stream to a client. */
  interface EventSink {
    /** Writes and flushes. */
    void write(Buffer bytes);

    /** Whether the client reads more slowly than it is written to. */
    boolean isFull();

    /** Runs {@code task} each time the client has caught up. */
    void onDrain(Runnable task);

    /** Writes the last bytes and ends the stream in good form. */
    void end(Buffer last);
  }
}

package freellmproxy.exchange;

import freellmproxy.catalog.Model;
import freellmproxy.chat.ChatRequest;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All there is to say about one chat request that reached selection. Built once, at its end; the
 * log line and the metrics are read from it (contract sections 10 and 11).
 *
 * @param duration from its head to the end of its answer
 * @param waiting the part of it in which the body came, or nobody was to be asked yet
 * @param status what the client got; {@link #CLIENT_GONE} when it went before anything was sent
 * @param chosenModel null when no model answered
 * @param stream null for an answer that was no stream
 * @param keyTail the tail of the upstream key, where the upstream refused it
 */
public record ExchangeRecord(
    String requestId,
    Duration duration,
    Duration waiting,
    int status,
    ChatRequest request,
    @Nullable String chosenModel,
    List<AttemptRecord> attempts,
    List<Model> filteredOut,
    @Nullable StreamRecord stream,
    @Nullable String keyTail) {

  /** nginx's name for it; no client ever sees this status. */
  public static final int CLIENT_GONE = 499;

  public ExchangeRecord {
    attempts = List.copyOf(attempts);
  }

  /** How a stream ended that had been committed to the client. */
  public enum StreamEnding {
    COMPLETE,
    /** The client got an error frame. */
    MID_ERROR,
    CLIENT_GONE
  }

  /**
   * What became of a committed stream.
   *
   * @param chunks data events written to the client, error frame and end marker not counted
   * @param timeToFirstEvent from the request to the first useful event
   */
  public record StreamRecord(int chunks, StreamEnding ending, Duration timeToFirstEvent) {}

  /** What is left of {@link #duration} without waiting for the client and the upstream. */
  public Duration ownTime() {
    return attempts.stream()
        .map(AttemptRecord::duration)
        .reduce(duration.minus(waiting), Duration::minus);
  }

  /** Whether the client saw a stream break. */
  public boolean brokeMidStream() {
    return stream != null && stream.ending() == StreamEnding.MID_ERROR;
  }
}

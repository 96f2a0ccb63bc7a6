package freellmproxy.upstream;

import freellmproxy.sse.SseEvent;
import org.jspecify.annotations.Nullable;

/**
 * What the upstream did, step by step and without judgement: {@link Sent}, {@link Head}, then
 * either one {@link Answer} or {@link Event}s up to a {@link Done} or {@link StreamEnd}. A {@link
 * Failure} may come at any time and is the last step.
 */
public sealed interface UpstreamReply {

  /** The connection stands and the request is on its way; told again when it is sent again. */
  record Sent() implements UpstreamReply {}

  /** The response head is here. */
  record Head(int status, ReplyHeaders headers) implements UpstreamReply {}

  /** A whole answer, whatever its status. */
  record Answer(int status, ReplyHeaders headers, byte[] body) implements UpstreamReply {
    /** The same with another body. */
    public Answer with(byte[] mended) {
      return new Answer(status, headers, mended);
    }
  }

  /**
   * One event of a stream, as clients can read it.
   *
   * @param chunk what it says; its offsets are those of the event as it came
   */
  record Event(SseEvent event, ChatChunk chunk) implements UpstreamReply {}

  /** An event that says that the upstream or the model failed, in whatever form. */
  record ErrorEvent(SseEvent event) implements UpstreamReply {}

  /**
   * The upstream said that this was all.
   *
   * @param finish the finish that it left out though nothing else is missing; null when it did not
   */
  record Done(@Nullable SseEvent finish) implements UpstreamReply {}

  /** The stream was ended by the upstream in good form, which does not mean it was complete. */
  record StreamEnd() implements UpstreamReply {}

  /**
   * There is no answer, or no more of it.
   *
   * @param why what else is known of it, for people; may be empty
   */
  record Failure(Fault fault, String why) implements UpstreamReply {
    /** Nothing else is known. */
    public Failure(Fault fault) {
      this(fault, "");
    }
  }

  /** What broke. */
  enum Fault {
    UNKNOWN_HOST("unknown_host"),
    CONNECT_FAILED("connect_failed"),
    CONNECT_TIMEOUT("connect_timeout"),
    TLS_FAILED("tls_failed"),
    FORWARD_PROXY_FAILED("forward_proxy_failed"),
    /** The proxy's own fault: it has as many files open as it may. */
    NO_FILE_DESCRIPTOR("no_file_descriptor"),
    CONNECTION_LOST("connection_lost"),
    UNEXPECTED_INTERIM("unexpected_interim_answer"),
    TOO_LARGE("answer_too_large"),
    /** What was in an event cannot be told, so that the answer would lack it. */
    UNREADABLE_EVENT("unreadable_event"),
    /** The end marker came before the finish, and something is missing. */
    NOT_FINISHED("not_finished"),
    /** The model finished before it had said anything but what it thought. */
    ONLY_THINKING("only_thinking"),
    /** The model wrote a tool call as text, which no client can carry out. */
    CALL_AS_TEXT("call_as_text"),
    /** The proxy's own fault: other answers fill the memory that there is for them. */
    NO_MEMORY("no_memory");

    private final String label;

    Fault(String label) {
      this.label = label;
    }

    /** The name as logs print it. */
    public String label() {
      return label;
    }

    /** Whether no connection stands, for which no model is to blame. */
    public boolean isOfTheWay() {
      return switch (this) {
        case UNKNOWN_HOST, CONNECT_FAILED, CONNECT_TIMEOUT, TLS_FAILED, FORWARD_PROXY_FAILED ->
            true;
        case NO_FILE_DESCRIPTOR,
            CONNECTION_LOST,
            UNEXPECTED_INTERIM,
            TOO_LARGE,
            UNREADABLE_EVENT,
            NOT_FINISHED,
            ONLY_THINKING,
            CALL_AS_TEXT,
            NO_MEMORY ->
            false;
      };
    }

    /** Whether the proxy lacks what it needs, for which the upstream is not to blame. */
    public boolean isOurs() {
      return this == NO_FILE_DESCRIPTOR || this == NO_MEMORY;
    }
  }
}

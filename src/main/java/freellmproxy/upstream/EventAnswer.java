package freellmproxy.upstream;

import freellmproxy.sse.SseEvent;
import freellmproxy.sse.SseParser;
import freellmproxy.upstream.UpstreamReply.Fault;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Tells each event of a streamed answer as soon as it is whole. */
final class EventAnswer implements AnswerReader {
  /** Contract section 6. */
  private static final int MAX_EVENT_BYTES = 16 << 20;

  private final SseParser parser = new SseParser(MAX_EVENT_BYTES);
  private final AnswerShare share;
  private final Consumer<UpstreamReply.Event> sink;
  private int held;
  private boolean isDropped;

  EventAnswer(AnswerShare share, Consumer<UpstreamReply.Event> sink) {
    this.share = share;
    this.sink = sink;
  }

  @Override
  public @Nullable Fault read(byte[] piece) {
    boolean fits = parser.feed(piece, this::tell);
    if (isDropped) {
      // An event was the last that anybody wants.
      return null;
    }
    if (!fits) {
      return Fault.TOO_LARGE;
    }
    return isCovered() ? null : Fault.NO_MEMORY;
  }

  @Override
  public boolean holds(int bytes) {
    held = bytes;
    return isCovered();
  }

  private boolean isCovered() {
    return share.covers((long) parser.buffered() + held);
  }

  private void tell(SseEvent event) {
    if (!isDropped) {
      sink.accept(new UpstreamReply.Event(event));
    }
  }

  @Override
  public UpstreamReply finish() {
    parser.finish(this::tell);
    return new UpstreamReply.StreamEnd();
  }

  @Override
  public void drop() {
    isDropped = true;
    share.drop();
  }
}

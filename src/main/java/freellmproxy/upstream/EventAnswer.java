package freellmproxy.upstream;

import freellmproxy.sse.SseEvent;
import freellmproxy.sse.SseParser;
import java.util.function.Consumer;

/** Tells each event of a streamed answer as soon as it is whole. */
final class EventAnswer implements AnswerReader {
  /** Contract section 6. */
  private static final int MAX_EVENT_BYTES = 16 << 20;

  private final SseParser parser = new SseParser(MAX_EVENT_BYTES);
  private final AnswerShare share;
  private final Consumer<UpstreamReply.Event> sink;
  private boolean isDropped;

  EventAnswer(AnswerShare share, Consumer<UpstreamReply.Event> sink) {
    this.share = share;
    this.sink = sink;
  }

  @Override
  public boolean read(byte[] piece) {
    boolean fits = parser.feed(piece, this::tell);
    // An event may have been the last that anybody wants.
    return isDropped || (fits && share.covers(parser.buffered()));
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

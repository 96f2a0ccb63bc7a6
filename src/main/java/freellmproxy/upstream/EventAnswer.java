package freellmproxy.upstream;

import freellmproxy.sse.SseEvent;
import freellmproxy.sse.SseParser;
import freellmproxy.upstream.UpstreamReply.Fault;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tells each event of a streamed answer as soon as it is whole, in a form that clients can read.
 * One that cannot be read is a fault, since what was in it would be missing from the answer.
 */
final class EventAnswer implements AnswerReader {
  /** Contract section 6. */
  private static final int MAX_EVENT_BYTES = 16 << 20;

  private final SseParser parser = new SseParser(MAX_EVENT_BYTES);
  private final ChatStream stream = new ChatStream();
  private final AnswerShare share;
  private final Consumer<UpstreamReply> sink;
  private int held;
  private boolean isDropped;
  private @Nullable Fault fault;

  EventAnswer(AnswerShare share, Consumer<UpstreamReply> sink) {
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
    if (fault != null) {
      return fault;
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
    if (isDropped || fault != null) {
      return;
    }
    if (event.isDone()) {
      end();
      return;
    }
    ChatChunk chunk = ChatChunk.ofEvent(event.data());
    if (event.isNamedError() || chunk.isError()) {
      sink.accept(new UpstreamReply.ErrorEvent(event));
    } else if (chunk.isReadable()) {
      tell(event, chunk);
    } else if (!event.isNamedPing()) {
      tellParts(event);
    }
  }

  private void end() {
    switch (stream.end()) {
      case UpstreamReply.Failure failure -> fault = failure.fault();
      case UpstreamReply done -> sink.accept(done);
    }
  }

  private void tell(SseEvent event, ChatChunk chunk) {
    boolean isPing = !chunk.choices && !chunk.usage;
    if (isPing) {
      return;
    }
    fault = stream.faultOf(chunk);
    SseEvent readable = fault == null ? stream.next(event, chunk) : null;
    if (readable != null) {
      sink.accept(new UpstreamReply.Event(readable, chunk));
    }
  }

  private void tellParts(SseEvent event) {
    BrokenEvent broken = BrokenEvent.read(event.data());
    for (byte[] part : broken.parts()) {
      tellPart(new SseEvent(event.name(), part), broken.repair());
    }
    if (fault == null && broken.rest() == BrokenEvent.Rest.UNREADABLE) {
      fault = Fault.UNREADABLE_EVENT;
    }
  }

  private void tellPart(SseEvent part, BrokenEvent.Repair repair) {
    boolean isSafe = part.isDone() || isSafe(ChatChunk.ofEvent(part.data()), repair);
    if (isSafe) {
      tell(part);
    } else if (fault == null) {
      fault = Fault.UNREADABLE_EVENT;
    }
  }

  /** A text may be read with a character changed; what a tool is called with may not. */
  private static boolean isSafe(ChatChunk chunk, BrokenEvent.Repair repair) {
    return chunk.isError()
        || (chunk.isReadable()
            && switch (repair) {
              case NOT_NEEDED -> true;
              case CHANGED_CHARACTERS -> !chunk.callsTools();
            });
  }

  @Override
  public UpstreamReply finish() {
    parser.finish(this::tell);
    return fault == null ? new UpstreamReply.StreamEnd() : new UpstreamReply.Failure(fault);
  }

  @Override
  public void drop() {
    isDropped = true;
    share.drop();
  }
}

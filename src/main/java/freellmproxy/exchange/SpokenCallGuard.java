package freellmproxy.exchange;

import freellmproxy.upstream.ChatChunk;
import freellmproxy.upstream.UpstreamReply;
import freellmproxy.upstream.UpstreamReply.Fault;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Makes a fault of a stream whose answer begins with a {@link SpokenCall}. Holds back the events in
 * which it may begin, a few characters in all, until that is decided; then it is out of the way.
 */
final class SpokenCallGuard implements Consumer<UpstreamReply> {
  /** More events than a beginning has characters. */
  private static final int MOST_WAITING = 64;

  private final Consumer<UpstreamReply> next;
  private final List<UpstreamReply> waiting = new ArrayList<>(0);
  private final StringBuilder said = new StringBuilder();
  private boolean decided;

  SpokenCallGuard(Consumer<UpstreamReply> next) {
    this.next = next;
  }

  @Override
  public void accept(UpstreamReply step) {
    if (decided) {
      next.accept(step);
      return;
    }
    switch (step) {
      case UpstreamReply.Event event -> accept(event);
      case UpstreamReply.Done done -> letThrough(done);
      case UpstreamReply.StreamEnd end -> letThrough(end);
      case UpstreamReply.Sent sent -> next.accept(sent);
      case UpstreamReply.Head head -> next.accept(head);
      case UpstreamReply.Answer answer -> next.accept(answer);
      // What waits would be nothing but the first characters of an answer that is none.
      case UpstreamReply.ErrorEvent error -> next.accept(error);
      case UpstreamReply.Failure failure -> next.accept(failure);
    }
  }

  private void accept(UpstreamReply.Event event) {
    switch (judge(event.chunk())) {
      case CALL -> {
        decided = true;
        waiting.clear();
        next.accept(new UpstreamReply.Failure(Fault.CALL_AS_TEXT));
      }
      case PERHAPS -> {
        if (said.isEmpty()) {
          next.accept(event);
        } else {
          waiting.add(event);
        }
      }
      case NONE -> letThrough(event);
    }
  }

  private SpokenCall judge(ChatChunk chunk) {
    String text = chunk.content();
    said.append(said.isEmpty() ? text.stripLeading() : text);
    SpokenCall sort = SpokenCall.in(said.toString());
    boolean saysOther = chunk.isOutput() && text.isEmpty();
    boolean isOver = chunk.finishReason() != null || waiting.size() >= MOST_WAITING;
    return sort == SpokenCall.PERHAPS && (saysOther || isOver) ? SpokenCall.NONE : sort;
  }

  private void letThrough(UpstreamReply step) {
    decided = true;
    waiting.forEach(next);
    waiting.clear();
    next.accept(step);
  }
}

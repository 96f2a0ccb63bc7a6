package freellmproxy.exchange;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The exchanges of one event loop that are not over. Each knows its place, so that it leaves
 * without being looked for: every object's first hash is a call into the virtual machine.
 */
final class OpenExchanges {
  /** The place of one that is not here. */
  static final int NOWHERE = -1;

  private final List<ChatExchange> all = new ArrayList<>();
  private final AtomicInteger count = new AtomicInteger();

  /** On the event loop. */
  void add(ChatExchange exchange) {
    exchange.place = all.size();
    all.add(exchange);
    count.setRelease(all.size());
  }

  /** On the event loop. The last one takes its place. Does nothing for one that has left. */
  void remove(ChatExchange exchange) {
    if (exchange.place == NOWHERE) {
      return;
    }
    ChatExchange last = all.removeLast();
    if (last != exchange) {
      last.place = exchange.place;
      all.set(exchange.place, last);
    }
    exchange.place = NOWHERE;
    count.setRelease(all.size());
  }

  /** A copy. On the event loop. */
  List<ChatExchange> all() {
    return List.copyOf(all);
  }

  /** May be called anywhere. */
  int count() {
    return count.getAcquire();
  }
}

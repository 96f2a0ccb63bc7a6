package freellmproxy.routing;

import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Until when the account behind the upstream key has no requests left (contract section 5). When
 * that is over everybody may ask: one answer can take minutes, and whoever waited for it would be
 * told that the quota is still used up.
 *
 * <p>Thread-safe.
 */
final class AccountQuota {
  private final AtomicReference<State> state = new AtomicReference<>(new State(0, null));

  /**
   * What is known.
   *
   * @param key counts the keys there have been, since another key is another account
   */
  private record State(int key, @Nullable AccountRest rest) {}

  /** Tells this key from those before and after it. */
  int key() {
    return state.get().key();
  }

  /** Until when no model may be asked; empty when they may. */
  Optional<AccountRest> rest(Instant now) {
    return Optional.ofNullable(state.get().rest()).filter(rest -> now.isBefore(rest.until()));
  }

  /**
   * The upstream said so, to a call that was made with {@code key}. A later, smaller hint does not
   * make it shorter.
   *
   * @return what holds now; null when the key was replaced meanwhile
   */
  @Nullable AccountRest usedUp(AccountRest rest, int key) {
    State now =
        state.updateAndGet(old -> old.key() == key ? new State(key, later(old, rest)) : old);
    return now.key() == key ? now.rest() : null;
  }

  private static AccountRest later(State old, AccountRest rest) {
    AccountRest before = old.rest();
    return before != null && before.until().isAfter(rest.until()) ? before : rest;
  }

  /** Nothing is known any more. */
  void forget() {
    state.updateAndGet(old -> new State(old.key(), null));
  }

  /** From now on the quota is that of another account. */
  void keyReplaced() {
    state.updateAndGet(old -> new State(old.key() + 1, null));
  }
}

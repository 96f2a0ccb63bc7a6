package freellmproxy.catalog;

import java.net.URI;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How far a fetch has been led from the address it began with (RFC 9110 section 15.4). Vert.x's own
 * would follow from https to http, where anybody on the way can put another list in its place, and
 * tells nobody why it has stopped. Immutable.
 *
 * @param url what to ask now
 * @param count how many redirects led there
 */
record Redirects(URI url, int count) {
  /** As many as any server needs; a circle ends by it too. */
  private static final int MOST = 5;

  private static final Set<Integer> STATUSES = Set.of(301, 302, 303, 307, 308);

  /** What to do with an answer. */
  sealed interface Next {
    /** It is no redirect. */
    record Read() implements Next {}

    /** Ask there. */
    record Follow(Redirects redirects) implements Next {}

    /** Give up; the reason has no text of the server in it. */
    record Refuse(String reason) implements Next {}
  }

  /** Before the first one. */
  static Redirects from(URI url) {
    return new Redirects(url, 0);
  }

  /** Judges the answer of {@link #url}. */
  Next after(int status, @Nullable String location) {
    if (!STATUSES.contains(status) || location == null) {
      return new Next.Read();
    }
    if (count == MOST) {
      return new Next.Refuse("the server redirects more than " + MOST + " times");
    }
    try {
      return after(resolved(location));
    } catch (IllegalArgumentException noAddress) {
      return new Next.Refuse("the server redirects to what is no address");
    }
  }

  /** Java resolves by RFC 2396, which lost the end of a path before a query alone. */
  private URI resolved(String location) {
    URI base = url.getRawPath().isEmpty() ? url.resolve("/") : url;
    return base.resolve(location.startsWith("?") ? base.getRawPath() + location : location);
  }

  private Next after(URI next) {
    if (next.getHost() == null || !(isScheme("http", next) || isScheme("https", next))) {
      return new Next.Refuse("the server redirects to what is no http or https address");
    }
    return isScheme("https", url) && !isScheme("https", next)
        ? new Next.Refuse("the server redirects from https to http, which is not followed")
        : new Next.Follow(new Redirects(next, count + 1));
  }

  private static boolean isScheme(String scheme, URI url) {
    return scheme.equalsIgnoreCase(url.getScheme());
  }
}

package freellmproxy.upstream;

import org.jspecify.annotations.Nullable;

/** The response headers of an upstream answer, by name in any letter case. */
@FunctionalInterface
public interface ReplyHeaders {
  /** No headers at all. */
  ReplyHeaders NONE = name -> null;

  /** The first value, or null. */
  @Nullable String first(String name);
}

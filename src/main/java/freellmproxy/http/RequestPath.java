package freellmproxy.http;

import org.jspecify.annotations.Nullable;

/** The forgiving part of contract section 3: how clients spell a path. */
final class RequestPath {
  private static final String ALIAS = "/api/v1";

  private RequestPath() {}

  /** Without double slashes, trailing slash and the {@code /api} that some base URLs carry. */
  static String normalize(@Nullable String path) {
    if (path == null || path.isEmpty()) {
      return "/";
    }
    String plain = path.contains("//") ? path.replaceAll("/{2,}", "/") : path;
    if (plain.length() > 1 && plain.endsWith("/")) {
      plain = plain.substring(0, plain.length() - 1);
    }
    boolean isAlias =
        plain.startsWith(ALIAS)
            && (plain.length() == ALIAS.length() || plain.charAt(ALIAS.length()) == '/');
    return isAlias ? plain.substring("/api".length()) : plain;
  }
}

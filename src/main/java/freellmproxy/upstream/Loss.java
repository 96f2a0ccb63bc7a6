package freellmproxy.upstream;

/** How a request ended without an answer, or without the rest of it. */
enum Loss {
  /** The upstream says that it has not begun to work on it. */
  UNPROCESSED,
  /** The connection was closed before anything came. */
  CLOSED,
  /** What came is no answer, or not the whole of one. */
  BROKEN,
  /** An answer came that is not final, and none can be expected behind it. */
  UNEXPECTED_INTERIM
}

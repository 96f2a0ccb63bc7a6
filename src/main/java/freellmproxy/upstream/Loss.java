package freellmproxy.upstream;

/** How a request ended without an answer, or without the rest of it. */
enum Loss {
  /** The upstream says that it has not begun to work on it. */
  UNPROCESSED,
  /** The connection is closed. */
  CLOSED,
  /** What came is no answer. */
  MALFORMED,
  /** An answer that is not final was taken for one. */
  UNEXPECTED_INTERIM
}

package freellmproxy.upstream;

/** What keeps requests from any model. */
public enum Obstacle {
  /** No connection stands. */
  NO_CONNECTION,
  /** A server on the way lets nothing through: a company's proxy, an edge server. */
  BARRED,
  /** A server answers, but has no chat API at that address. */
  NO_API
}

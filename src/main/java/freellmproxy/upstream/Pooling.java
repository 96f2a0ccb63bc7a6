package freellmproxy.upstream;

/** Which connections a call may go over. */
public enum Pooling {
  /** One that has carried others, which the upstream may have closed since. */
  REUSE,
  /** None that can have gone stale: one of those had. */
  FRESH
}

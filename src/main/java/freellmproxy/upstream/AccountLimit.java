package freellmproxy.upstream;

/** Which of an OpenRouter account's limits was hit (docs/upstream.md section 2). */
public enum AccountLimit {
  /** Requests to free models in a minute. */
  PER_MINUTE,
  /** Requests to free models in a day. */
  PER_DAY,
  /** Requests to free models; the upstream did not say in which time. */
  FREE_REQUESTS,
  /** What the key may spend. */
  KEY,
  /** What is left of the account's credits. */
  BALANCE
}

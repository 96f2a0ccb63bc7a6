package freellmproxy.upstream;

/** Which of an OpenRouter account's limits on money was hit (docs/upstream.md section 2). */
public enum AccountLimit {
  /** What the key may spend. */
  KEY,
  /** What is left of the account's credits. */
  BALANCE
}

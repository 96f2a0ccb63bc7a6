package freellmproxy.upstream;

/** Which of the account's limits on free requests was hit ({@code docs/upstream.md}, section 2). */
public enum Allowance {
  /** 20 requests. */
  MINUTE,
  /** 50 requests, or 1000 after 10 credits were ever bought. */
  DAY,
  /** One of them: the upstream did not say which. */
  UNSAID
}

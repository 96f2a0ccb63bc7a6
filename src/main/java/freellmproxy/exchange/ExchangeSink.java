package freellmproxy.exchange;

/** Told about every chat request at its end. Called on event loops; must not block. */
public interface ExchangeSink {
  /** A request that reached selection has ended. */
  void done(ExchangeRecord record);

  /** A request was turned away before any model could be asked. */
  void rejected(Rejection rejection);

  /**
   * A chat request got this answer unread, for want of the key, or since a bug of ours ended it.
   */
  void refused(int status);
}

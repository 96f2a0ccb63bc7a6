package freellmproxy.exchange;

/** Told about every chat request at its end. Called on event loops; must not block. */
public interface ExchangeSink {
  /** A request that reached selection has ended. */
  void done(ExchangeRecord record);

  /** A request was turned away before any model could be asked. */
  void rejected(Rejection rejection);

  /** A chat request came without the proxy's key; it was not read. */
  void unauthorized(int status);
}

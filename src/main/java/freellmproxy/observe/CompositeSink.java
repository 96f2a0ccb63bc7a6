package freellmproxy.observe;

import freellmproxy.exchange.ExchangeRecord;
import freellmproxy.exchange.ExchangeSink;
import freellmproxy.exchange.Rejection;
import java.util.List;

/** Tells several listeners in turn. */
public record CompositeSink(List<ExchangeSink> listeners) implements ExchangeSink {

  public CompositeSink {
    listeners = List.copyOf(listeners);
  }

  @Override
  public void done(ExchangeRecord record) {
    listeners.forEach(listener -> listener.done(record));
  }

  @Override
  public void rejected(Rejection rejection) {
    listeners.forEach(listener -> listener.rejected(rejection));
  }

  @Override
  public void refused(int status) {
    listeners.forEach(listener -> listener.refused(status));
  }
}

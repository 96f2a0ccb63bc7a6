package freellmproxy.observe;

import freellmproxy.exchange.ExchangeRecord;
import freellmproxy.exchange.ExchangeSink;
import freellmproxy.exchange.Rejection;
import java.util.List;
import java.util.function.Consumer;

/** Tells several listeners in turn. */
public record CompositeSink(List<ExchangeSink> listeners) implements ExchangeSink {

  public CompositeSink {
    listeners = List.copyOf(listeners);
  }

  @Override
  public void done(ExchangeRecord record) {
    tell(listener -> listener.done(record));
  }

  @Override
  public void rejected(Rejection rejection) {
    tell(listener -> listener.rejected(rejection));
  }

  @Override
  public void refused(int status) {
    tell(listener -> listener.refused(status));
  }

  private void tell(Consumer<ExchangeSink> message) {
    listeners.forEach(message);
  }
}

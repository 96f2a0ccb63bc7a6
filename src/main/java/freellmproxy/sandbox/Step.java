package freellmproxy.sandbox;

import java.time.Duration;
import java.util.Map;

/** One thing the sandbox does on a connection. An answer is a list of these. */
public sealed interface Step {

  /** Sends the response head. */
  record Head(int status, Map<String, String> headers) implements Step {
    public Head {
      headers = Map.copyOf(headers);
    }
  }

  /** Sends bytes of the body in one write: an event, a comment, a part of either. */
  record Write(byte[] bytes) implements Step {}

  /** Sends bytes past the HTTP codec, where a head should be. */
  record Raw(byte[] bytes) implements Step {}

  /** Waits. */
  record Pause(Duration duration) implements Step {}

  /** Waits until the test says go. */
  record Hold(Gate gate) implements Step {}

  /** Ends the response in good form. */
  record End() implements Step {}

  /**
   * Closes the connection (FIN), whatever has been sent. On HTTP/2, where it belongs to others too,
   * the answer alone breaks off: RST_STREAM, INTERNAL_ERROR.
   */
  record Fin() implements Step {}

  /** Resets the connection (RST). On HTTP/2 the answer alone breaks off: RST_STREAM, CANCEL. */
  record Reset() implements Step {}

  /** Closes the connection without a word of TLS or HTTP/2, and all that is on it is lost. */
  record Drop() implements Step {}

  /** Does nothing more, for ever. */
  record Stall() implements Step {}

  /** Writes the same bytes again and again, for ever. */
  record Repeat(byte[] bytes, Duration every) implements Step {}
}

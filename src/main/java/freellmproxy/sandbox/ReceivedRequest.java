package freellmproxy.sandbox;

import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import java.nio.charset.StandardCharsets;

/**
 * A chat request as the sandbox got it.
 *
 * @param number counts chat requests from 1; 0 for a read of the list
 * @param model the model it asks for, empty when it names none
 * @param stream whether it asks for a stream
 * @param aborted completes when the caller goes away before its answer is complete
 */
public record ReceivedRequest(
    long number,
    MultiMap headers,
    byte[] body,
    String model,
    boolean stream,
    Future<Void> aborted) {

  /** The body as text. */
  public String text() {
    return new String(body, StandardCharsets.UTF_8);
  }
}

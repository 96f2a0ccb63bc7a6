package freellmproxy.routing;

import freellmproxy.upstream.Allowance;
import java.time.Instant;

/**
 * No model behind the upstream key may be asked.
 *
 * @param until when it is worth asking again
 * @param allowance what was used up
 * @param isGuess whether the upstream did not say until when
 */
public record AccountRest(Instant until, Allowance allowance, boolean isGuess) {}

package freellmproxy.http;

import freellmproxy.api.OwnFault;
import freellmproxy.chat.ChatRequest;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says once per name that the model a client asked for is not what decides (contract section 3).
 * Thread-safe.
 */
public final class IgnoredModels {
  private static final Logger LOG = LoggerFactory.getLogger(IgnoredModels.class);

  /** Clients send a handful of names; a flood of invented ones must not fill memory or the log. */
  private static final int MOST_NAMES = 1000;

  private static final int LONGEST_NAME = 200;

  private final Set<String> seen = ConcurrentHashMap.newKeySet();

  /** Never throws: nothing depends on that line. */
  void note(ChatRequest request) {
    OwnFault.ignoredIn(() -> log(request));
  }

  private static String cut(String name) {
    if (name.length() <= LONGEST_NAME) {
      return name;
    }
    // Half a character cannot be logged.
    boolean isHalf = Character.isHighSurrogate(name.charAt(LONGEST_NAME - 1));
    return name.substring(0, isHalf ? LONGEST_NAME - 1 : LONGEST_NAME);
  }

  private void log(ChatRequest request) {
    request
        .ignoredModel()
        .map(IgnoredModels::cut)
        .filter(name -> seen.size() < MOST_NAMES && seen.add(name))
        .ifPresent(name -> LOG.atInfo().addKeyValue("model", name).log("model_ignored"));
  }
}

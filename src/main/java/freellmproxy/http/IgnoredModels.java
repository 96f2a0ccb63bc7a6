package freellmproxy.http;

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

  void note(ChatRequest request) {
    request
        .ignoredModel()
        .map(name -> name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME))
        .filter(name -> seen.size() < MOST_NAMES && seen.add(name))
        .ifPresent(name -> LOG.atInfo().addKeyValue("model", name).log("model_ignored"));
  }
}

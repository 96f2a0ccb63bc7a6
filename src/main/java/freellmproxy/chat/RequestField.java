package freellmproxy.chat;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The top-level fields of a request that the proxy looks at; all others only pass through. */
enum RequestField {
  MODEL,
  MESSAGES,
  STREAM,
  TOOLS,
  TOOL_CHOICE,
  RESPONSE_FORMAT,
  SEED,
  STOP,
  REASONING,
  REASONING_EFFORT,
  PROVIDER,
  // Those that matter only because they can cost money, see PaidFeatures.
  MODELS,
  FALLBACKS,
  ROUTE,
  PRESET,
  PLUGINS,
  WEB_SEARCH_OPTIONS,
  X_SEARCH_FILTER,
  SERVICE_TIER,
  SPEED;

  private static final Map<String, RequestField> BY_NAME =
      Arrays.stream(values())
          .collect(Collectors.toUnmodifiableMap(RequestField::text, Function.identity()));

  /** A longer name is none of these, however it is escaped. */
  static final int LONGEST_WRITTEN =
      6 * BY_NAME.keySet().stream().mapToInt(String::length).max().orElseThrow();

  private final String text = name().toLowerCase(Locale.ROOT);

  /** Its name in a request. */
  String text() {
    return text;
  }

  /** The field with this name, null when it is none of them. */
  static @Nullable RequestField named(String name) {
    return BY_NAME.get(name);
  }
}

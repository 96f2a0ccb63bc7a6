package freellmproxy.config;

import java.util.Arrays;
import java.util.Optional;

/** Every name the operator can set, with its default (contract sections 5, 8 and 9). */
public enum Setting {
  OPENROUTER_API_KEY(""),
  PROXY_API_KEY(""),
  MODELS_LIST_URL("https://shir-man.com/api/free-llm/top-models"),
  MODELS_REFRESH_SEC("3600"),
  UPSTREAM_BASE_URL("https://openrouter.ai/api/v1"),
  MODELS_DENY(""),
  UPSTREAM_HTTP("1.1"),
  FREE_ONLY("true"),
  OPENROUTER_REFERER("http://localhost"),
  OPENROUTER_TITLE("free-llm-proxy"),
  HOST("0.0.0.0"),
  PORT("8080"),
  MAX_BODY_MB("32"),
  CORS_ORIGINS(""),
  MAX_FALLBACK_ATTEMPTS("5"),
  SAME_MODEL_RETRIES("1"),
  RATE_LIMIT_COOLDOWN_SEC("300"),
  GENERIC_ERROR_COOLDOWN_SEC("60"),
  CONNECT_TIMEOUT_SEC("5"),
  UPSTREAM_TIMEOUT_SEC("30"),
  STREAM_IDLE_TIMEOUT_SEC("60"),
  ANSWER_TIMEOUT_SEC("300"),
  REQUEST_DEADLINE_SEC("110"),
  STREAM_KEEPALIVE_SEC("15"),
  SHUTDOWN_GRACE_SEC("30"),
  LOG_LEVEL("INFO"),
  LOG_FORMAT("auto"),
  HTTPS_PROXY(""),
  HTTP_PROXY(""),
  ALL_PROXY(""),
  NO_PROXY(""),
  SSL_CERT_FILE("");

  private final String byDefault;

  Setting(String byDefault) {
    this.byDefault = byDefault;
  }

  /** The value where nothing is set; empty for none. */
  public String byDefault() {
    return byDefault;
  }

  /** Whether the value must never be shown whole. */
  public boolean isSecret() {
    return this == OPENROUTER_API_KEY || this == PROXY_API_KEY;
  }

  /** Whether a running proxy can take a new value, see {@link LiveSettings}. */
  public boolean changesAtRunTime() {
    return switch (this) {
      case OPENROUTER_API_KEY,
          PROXY_API_KEY,
          OPENROUTER_REFERER,
          OPENROUTER_TITLE,
          MAX_BODY_MB,
          CORS_ORIGINS,
          MAX_FALLBACK_ATTEMPTS,
          SAME_MODEL_RETRIES,
          RATE_LIMIT_COOLDOWN_SEC,
          GENERIC_ERROR_COOLDOWN_SEC,
          UPSTREAM_TIMEOUT_SEC,
          STREAM_IDLE_TIMEOUT_SEC,
          ANSWER_TIMEOUT_SEC,
          REQUEST_DEADLINE_SEC,
          STREAM_KEEPALIVE_SEC,
          SHUTDOWN_GRACE_SEC,
          LOG_LEVEL ->
          true;
      // Sockets, pools and the list's timer are made of these.
      case MODELS_LIST_URL,
          MODELS_REFRESH_SEC,
          MODELS_DENY,
          UPSTREAM_HTTP,
          UPSTREAM_BASE_URL,
          FREE_ONLY,
          HOST,
          PORT,
          CONNECT_TIMEOUT_SEC,
          LOG_FORMAT,
          HTTPS_PROXY,
          HTTP_PROXY,
          ALL_PROXY,
          NO_PROXY,
          SSL_CERT_FILE ->
          false;
    };
  }

  /** Whether the value is a URL, in which people write passwords and keys, allowed or not. */
  boolean mayHoldPassword() {
    return isProxyUrl() || this == MODELS_LIST_URL || this == UPSTREAM_BASE_URL;
  }

  /** Whether the value names a forward proxy. */
  boolean isProxyUrl() {
    return this == HTTPS_PROXY || this == HTTP_PROXY || this == ALL_PROXY;
  }

  /** Whether setting it to nothing means something else than not setting it. */
  boolean mayBeEmpty() {
    return this == OPENROUTER_REFERER || this == OPENROUTER_TITLE || this == CORS_ORIGINS;
  }

  static Optional<Setting> named(String name) {
    return Arrays.stream(values()).filter(setting -> setting.name().equals(name)).findFirst();
  }
}

package freellmproxy.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Everything the operator can set (contract sections 5, 8 and 9), checked and typed. */
public record Settings(
    Keys keys,
    Listen listen,
    ModelList modelList,
    Upstream upstream,
    TimeLimits limits,
    Fallback fallback,
    LogLevel logLevel,
    LogFormat logFormat) {

  /** These, but with the values of {@code fresh} where {@link Setting#changesAtRunTime()}. */
  Settings reloaded(Settings fresh) {
    return new Settings(
        fresh.keys,
        new Listen(
            listen.host,
            listen.port,
            fresh.listen.maxBodyBytes,
            fresh.listen.shutdownGrace,
            fresh.listen.corsOrigins),
        modelList,
        new Upstream(
            upstream.baseUrl,
            fresh.upstream.referer,
            fresh.upstream.title,
            upstream.mayMultiplex,
            upstream.freeOnly,
            upstream.egress),
        new TimeLimits(
            limits.connect,
            fresh.limits.attempt,
            fresh.limits.streamIdle,
            fresh.limits.answer,
            fresh.limits.deadline,
            fresh.limits.keepAlive),
        fresh.fallback,
        fresh.logLevel,
        logFormat);
  }

  /** For what may be read by others than the operator, such as a log. */
  public Redactor redactor() {
    Redactor keysOnly = Redactor.NONE.with(keys.openRouter).with(keys.proxy);
    return upstream.egress.redactToo(modelList.egress.redactToo(keysOnly));
  }

  /** {@code OPENROUTER_API_KEY} goes upstream only, {@code PROXY_API_KEY} is what clients send. */
  public record Keys(Secret openRouter, Secret proxy) {}

  /**
   * The side that faces clients.
   *
   * @param host a name or an address; one of IPv6 without brackets
   * @param port 0 picks a free one
   * @param maxBodyBytes from {@code MAX_BODY_MB}
   * @param corsOrigins empty: off; the single entry {@code *}: any
   */
  public record Listen(
      String host, int port, int maxBodyBytes, Duration shutdownGrace, Set<String> corsOrigins) {
    /** The largest there is. */
    public static final int MAX_PORT = 65_535;

    public Listen {
      corsOrigins = Set.copyOf(corsOrigins);
    }

    /**
     * Where programs of this machine reach a proxy that listens on this host.
     *
     * @param bound the port it got
     */
    public URI url(int bound) {
      boolean isEvery = host.matches("[0.:]+");
      return URI.create("http://" + (isEvery ? "localhost" : inUrl(host)) + ":" + bound);
    }

    /** A host as it stands in a URL. */
    static String inUrl(String host) {
      return host.contains(":") ? "[" + host + "]" : host;
    }
  }

  /**
   * Where the ranked list of models comes from and how often it is read.
   *
   * @param denied ids that are left out of it
   */
  public record ModelList(URI url, Duration refresh, Globs denied, Egress egress) {
    /** The address as it may be printed: a query may hold a key. */
    public String shown() {
      String port = url.getPort() < 0 ? "" : ":" + url.getPort();
      return url.getScheme() + "://" + url.getHost() + port + url.getPath();
    }
  }

  /**
   * The side that faces OpenRouter.
   *
   * @param baseUrl without a trailing slash
   * @param referer sent as {@code HTTP-Referer}, null for none
   * @param title sent as {@code X-Title}, null for none
   * @param mayMultiplex whether HTTP/2 may be spoken where TLS finds out that the upstream does
   * @param freeOnly from {@code FREE_ONLY}; takes effect only where {@link #isOpenRouter()}
   */
  public record Upstream(
      URI baseUrl,
      @Nullable String referer,
      @Nullable String title,
      boolean mayMultiplex,
      boolean freeOnly,
      Egress egress) {
    private static final String FREE = ":free";

    /**
     * Whether a model with this id may be asked (contract section 9, {@code FREE_ONLY}): one of
     * another variant ({@code a/b:online:free}) or with a preset ({@code @}) may cost money.
     */
    public boolean allows(String id) {
      return !freeOnly
          || !isOpenRouter()
          || id.equals("openrouter/free")
          || (id.indexOf(':') == id.length() - FREE.length()
              && id.endsWith(FREE)
              && id.indexOf('@') < 0);
    }

    /** Whether calls to this upstream could cost money at OpenRouter. */
    public boolean isOpenRouter() {
      String host = baseUrl.getHost().toLowerCase(Locale.ROOT);
      return host.equals("openrouter.ai") || host.endsWith(".openrouter.ai");
    }
  }

  /**
   * How one URL is reached.
   *
   * @param proxy null: directly
   * @param certificates PEM files whose certificates are trusted beside the JDK's own
   */
  public record Egress(@Nullable ProxyServer proxy, List<Path> certificates) {
    public static final Egress DIRECT = new Egress(null, List.of());

    public Egress {
      certificates = List.copyOf(certificates);
    }

    private Redactor redactToo(Redactor others) {
      return proxy != null && proxy.user != null && proxy.password != null
          ? others.withCredentials(proxy.user, proxy.password.reveal())
          : others;
    }
  }

  /**
   * A forward proxy as {@code HTTPS_PROXY} and its kin name it.
   *
   * @param setting which of them does
   */
  public record ProxyServer(
      Setting setting,
      Kind kind,
      String host,
      int port,
      @Nullable String user,
      @Nullable Secret password) {
    /** Its address without user and password: there are proxies that take a key as the user. */
    public String shown() {
      String scheme = kind.name().toLowerCase(Locale.ROOT);
      return scheme + "://" + (user == null ? "" : "***@") + host + ":" + port;
    }

    /** The protocols spoken with a forward proxy. */
    public enum Kind {
      HTTP,
      SOCKS5
    }
  }

  /**
   * Time limits (contract section 8).
   *
   * @param connect TCP and TLS to the upstream
   * @param attempt one attempt: request sent to response head, or to the first useful event
   * @param streamIdle between two data events
   * @param answer one whole non-stream answer
   * @param deadline all attempts of one request
   * @param keepAlive silence of a committed stream after which a comment is sent
   */
  public record TimeLimits(
      Duration connect,
      Duration attempt,
      Duration streamIdle,
      Duration answer,
      Duration deadline,
      Duration keepAlive) {}

  /**
   * How far the proxy goes to find an answer, and how long failed models rest.
   *
   * @param maxAttempts upstream calls for one request
   * @param sameModelRetries 0 or more, contract section 5
   * @param rateLimitCooldown rest after a 429 without a hint
   * @param errorCooldown rest after any other failure without a hint
   */
  public record Fallback(
      int maxAttempts, int sameModelRetries, Duration rateLimitCooldown, Duration errorCooldown) {}

  /** What a log line looks like. */
  public enum LogFormat {
    /** One JSON object a line. */
    JSON,
    /** For people. */
    TEXT,
    /** Text on a terminal, JSON everywhere else. */
    AUTO
  }

  /** The least severe level that is logged. */
  public enum LogLevel {
    DEBUG,
    INFO,
    WARN,
    ERROR
  }
}

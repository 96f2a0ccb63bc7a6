package freellmproxy.upstream;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import freellmproxy.config.Redactor;
import freellmproxy.config.Secret;
import freellmproxy.config.Settings;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.ProxyOptions;
import java.net.URI;
import java.util.Base64;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What all requests upstream say besides their bodies. Immutable. */
final class RequestHead {
  /** The longest length of a body, and the empty line. */
  private static final int MAX_END_BYTES = 10 + 4;

  private static final int EMPTY_LINE = 0x0D0A0D0A;

  private final RequestOptions options;
  private final Secret key;
  private final Redactor redactor;

  /** Up to the value of {@code content-length}. */
  private final byte[] start;

  /**
   * For one upstream.
   *
   * @param relay the forward proxy that each request must be addressed to, null for none
   */
  RequestHead(Settings.Upstream upstream, Settings.Keys keys, @Nullable ProxyOptions relay) {
    URI url = upstream.baseUrl();
    String path = URI.create(url.toASCIIString()).getRawPath() + "/chat/completions";
    MultiMap headers = headers(upstream, keys);
    this.options = new RequestOptions().setMethod(HttpMethod.POST).setURI(path).setHeaders(headers);
    this.key = keys.openRouter();
    this.redactor = redactor(key, relay);
    this.start = start(url, path, headers, relay).getBytes(ISO_8859_1);
  }

  private static MultiMap headers(Settings.Upstream upstream, Settings.Keys keys) {
    MultiMap headers =
        HttpHeaders.headers()
            .add(HttpHeaders.AUTHORIZATION, "Bearer " + keys.openRouter().reveal())
            .add(HttpHeaders.CONTENT_TYPE, "application/json")
            .add(HttpHeaders.ACCEPT, "application/json, text/event-stream")
            // Vert.x would offer gzip by itself; compressing a stream only delays its events.
            .add(HttpHeaders.ACCEPT_ENCODING, "identity")
            .add(HttpHeaders.USER_AGENT, "free-llm-proxy");
    if (upstream.referer() != null) {
      headers.add("HTTP-Referer", upstream.referer());
    }
    if (upstream.title() != null) {
      headers.add("X-Title", upstream.title());
    }
    return headers;
  }

  private static String start(
      URI url, String path, MultiMap headers, @Nullable ProxyOptions relay) {
    int defaultPort = "https".equalsIgnoreCase(url.getScheme()) ? 443 : 80;
    boolean isDefault = url.getPort() == -1 || url.getPort() == defaultPort;
    String host = url.getHost() + (isDefault ? "" : ":" + url.getPort());
    String target = relay == null ? path : "http://" + host + path;
    var start = new StringBuilder("POST " + target + " HTTP/1.1\r\nhost: " + host + "\r\n");
    for (Map.Entry<String, String> header : headers) {
      start.append(header.getKey()).append(": ").append(header.getValue()).append("\r\n");
    }
    if (relay != null && relay.getUsername() != null && relay.getPassword() != null) {
      String credentials = relay.getUsername() + ":" + relay.getPassword();
      String encoded = Base64.getEncoder().encodeToString(credentials.getBytes(UTF_8));
      start.append("proxy-authorization: Basic ").append(encoded).append("\r\n");
    }
    return start.append("content-length: ").toString();
  }

  private static Redactor redactor(Secret key, @Nullable ProxyOptions relay) {
    Redactor redactor = Redactor.NONE.with(key);
    return relay != null && relay.getUsername() != null && relay.getPassword() != null
        ? redactor.withCredentials(relay.getUsername(), relay.getPassword())
        : redactor;
  }

  /** The upstream key that is sent. */
  Secret key() {
    return key;
  }

  /** For answers, which may repeat what is sent in confidence. */
  Redactor redactor() {
    return redactor;
  }

  /** For HTTP/2. */
  RequestOptions options() {
    return options;
  }

  /**
   * For HTTP/1.1.
   *
   * @param room how many bytes there shall be room for behind it
   * @return the caller's to release
   */
  ByteBuf encode(int bodyLength, int room, ByteBufAllocator pool) {
    ByteBuf head = pool.directBuffer(start.length + MAX_END_BYTES + room).writeBytes(start);
    ByteBufUtil.writeAscii(head, Integer.toString(bodyLength));
    return head.writeInt(EMPTY_LINE);
  }
}

package freellmproxy.upstream;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.config.Secret;
import freellmproxy.config.Settings;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.vertx.core.net.ProxyOptions;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RequestHeadTest {
  @ParameterizedTest
  @CsvSource({
    "http://x.test/v1, x.test, /v1",
    "http://x.test:80/v1, x.test, /v1",
    "https://x.test:443/v1, x.test, /v1",
    "http://x.test:443/v1, x.test:443, /v1",
    "http://[::1]:8080, [::1]:8080, ''",
    "http://x.test/a%20b/ü, x.test, /a%20b/%C3%BC"
  })
  void saysWhereToAsTheUrlDoes(URI url, String host, String path) {
    assertThat(head(url, null))
        .startsWith("POST " + path + "/chat/completions HTTP/1.1\r\nhost: " + host + "\r\n")
        .endsWith("\r\ncontent-length: 2000000000\r\n\r\n")
        .doesNotContain("proxy-");
  }

  @Test
  void addressesAForwardProxyWithTheWholeUrl() {
    var relay = new ProxyOptions().setUsername("me").setPassword("pa:ss");
    assertThat(head(URI.create("http://x.test:8080/v1"), relay))
        .startsWith("POST http://x.test:8080/v1/chat/completions HTTP/1.1\r\nhost: x.test:8080\r\n")
        .contains("\r\nproxy-authorization: Basic bWU6cGE6c3M=\r\n");
  }

  private static String head(URI url, @Nullable ProxyOptions relay) {
    var upstream = new Settings.Upstream(url, null, null, false, false, Settings.Egress.DIRECT);
    var keys = new Settings.Keys(new Secret("up"), new Secret("down"));
    var head = new RequestHead(upstream, keys, relay);
    ByteBuf bytes = head.encode(2_000_000_000, 0, UnpooledByteBufAllocator.DEFAULT);
    try {
      return bytes.toString(US_ASCII);
    } finally {
      bytes.release();
    }
  }
}

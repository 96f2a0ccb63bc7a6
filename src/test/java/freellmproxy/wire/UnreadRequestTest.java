package freellmproxy.wire;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An upstream that reads no more than the head of a request. */
final class UnreadRequestTest {
  /** More than all socket buffers hold. */
  private static final String LARGE = "{\"messages\":[\"" + "x".repeat(24 << 20) + "\"]}";

  private final FakeTime time = new FakeTime();

  @SuppressWarnings("NullAway.Init")
  private ServerSocket upstream;

  @SuppressWarnings("NullAway.Init")
  private TestProxy proxy;

  @BeforeEach
  void start() throws IOException {
    upstream = new ServerSocket();
    upstream.setReceiveBufferSize(64 << 10);
    upstream.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    upstream.setSoTimeout(20_000);
    proxy =
        TestProxy.startAt(
            time,
            "UPSTREAM_BASE_URL",
            "http://127.0.0.1:" + upstream.getLocalPort() + "/v1",
            "MAX_FALLBACK_ATTEMPTS",
            "2");
  }

  @AfterEach
  void stop() throws IOException {
    proxy.close();
    upstream.close();
  }

  @Test
  void isLeftAtOnceWhenItsTimeIsUp() throws IOException {
    try (var client = RawConnection.to(proxy.port()).chat(LARGE);
        Socket first = upstream.accept()) {
      readHead(first);
      time.advance(Duration.ofSeconds(30));
      try (Socket second = upstream.accept()) {
        readHead(second);
        // The last call there is has until the deadline.
        time.advance(Duration.ofSeconds(110 - 30));
        assertThat(client.readUntil("}}")).contains("HTTP/1.1 503 ");
        assertThat(rest(first)).isLessThan(LARGE.length());
        assertThat(rest(second)).isLessThan(LARGE.length());
      }
    }
  }

  @Test
  void isLeftAtOnceWhenTheClientGoes() throws IOException {
    try (Socket first = acceptForAClientThatGoes()) {
      proxy.settledMetrics();
      assertThat(rest(first)).isLessThan(LARGE.length());
    }
  }

  private Socket acceptForAClientThatGoes() throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.chat(LARGE);
      Socket connection = upstream.accept();
      readHead(connection);
      return connection;
    }
  }

  /** Whatever is sent on its connection comes behind what it does not read. */
  @Test
  void getsNoOtherRequestOnTheConnectionOnWhichItAnsweredTooEarly() throws IOException {
    try (var client = RawConnection.to(proxy.port()).chat(LARGE);
        Socket first = upstream.accept()) {
      readHead(first);
      answer(first, "429 Too Many Requests", "{\"error\":{\"code\":429}}");
      try (Socket second = upstream.accept()) {
        readHead(second);
        answer(second, "200 OK", "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}");
        assertThat(client.readUntil("Hi")).startsWith("HTTP/1.1 200 ");
      }
    }
  }

  private static void readHead(Socket connection) throws IOException {
    connection.setSoTimeout(20_000);
    InputStream in = connection.getInputStream();
    var head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      head.append((char) in.read());
    }
  }

  private static void answer(Socket connection, String status, String body) throws IOException {
    String answer =
        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            .formatted(status, body.length(), body);
    connection.getOutputStream().write(answer.getBytes(ISO_8859_1));
  }

  /** Reads a connection to its end; how much came. */
  private static long rest(Socket connection) throws IOException {
    long read = 0;
    byte[] piece = new byte[64 << 10];
    try {
      InputStream in = connection.getInputStream();
      for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
        read += length;
      }
    } catch (SocketException reset) {
      // Ended all the same.
    }
    return read;
  }
}

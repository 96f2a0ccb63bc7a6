package freellmproxy.wire;

import static freellmproxy.testing.RawUpstream.readChat;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawUpstream;
import freellmproxy.testing.TestProxy;
import freellmproxy.testing.UpstreamCalls;
import freellmproxy.upstream.UpstreamReply;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Answers that are compressed, although nobody asked for it, among others that are not. */
final class CompressedAnswersTest {
  private static final String GZIP = "Content-Encoding: gzip\r\n";
  private static final String PLAIN = "";

  private final Vertx vertx = ProxyVertx.create();

  @SuppressWarnings("NullAway.Init")
  private RawUpstream upstream;

  @BeforeEach
  void start() throws IOException {
    upstream = RawUpstream.start();
  }

  @AfterEach
  void stop() throws IOException {
    TestProxy.await(vertx.close());
    upstream.close();
  }

  @Test
  void areReadBesideOthersOnOneConnection() throws IOException {
    UpstreamCalls calls = UpstreamCalls.to(upstream.url("http"), vertx, new FakeTime());
    Future<UpstreamReply> answered = calls.chat();
    try (Socket connection = upstream.accept()) {
      for (String encoding : List.of(GZIP, PLAIN, "Content-Encoding: identity\r\n", GZIP, PLAIN)) {
        readChat(connection);
        byte[] body = encoding.equals(GZIP) ? gzipped("{\"a\":1}") : "{\"a\":1}".getBytes(UTF_8);
        answer(connection, encoding + "Content-Length: " + body.length + "\r\n", body);
        assertThat(body(answered)).isEqualTo("{\"a\":1}");
        answered = calls.chat();
      }
    }
  }

  /** RFC 9112 section 7: what is compressed for the way alone. */
  @Test
  void areReadWhenCompressedByTransferEncoding() throws IOException {
    UpstreamCalls calls = UpstreamCalls.to(upstream.url("http"), vertx, new FakeTime());
    Future<UpstreamReply> answered = calls.chat();
    try (Socket connection = upstream.accept()) {
      readChat(connection);
      var chunked = new ByteArrayOutputStream();
      byte[] body = gzipped("{\"a\":1}");
      chunked.writeBytes((Integer.toHexString(body.length) + "\r\n").getBytes(UTF_8));
      chunked.writeBytes(body);
      chunked.writeBytes("\r\n0\r\n\r\n".getBytes(UTF_8));
      answer(connection, "Transfer-Encoding: gzip, chunked\r\n", chunked.toByteArray());
      assertThat(body(answered)).isEqualTo("{\"a\":1}");
    }
  }

  private static byte[] gzipped(String text) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(bytes)) {
      gzip.write(text.getBytes(UTF_8));
    }
    return bytes.toByteArray();
  }

  private static void answer(Socket connection, String headers, byte[] body) throws IOException {
    OutputStream out = connection.getOutputStream();
    out.write(
        ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + headers + "\r\n")
            .getBytes(UTF_8));
    out.write(body);
  }

  private static String body(Future<UpstreamReply> answered) {
    UpstreamReply reply = TestProxy.await(answered);
    assertThat(reply).isInstanceOf(UpstreamReply.Answer.class);
    return new String(((UpstreamReply.Answer) reply).body(), UTF_8);
  }
}

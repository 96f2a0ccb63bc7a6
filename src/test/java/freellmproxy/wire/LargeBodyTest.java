package freellmproxy.wire;

import static freellmproxy.testing.RawConnection.chatHead;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Faults;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bodies that are read to where they stay, however they come. */
final class LargeBodyTest {
  private final FakeTime time = new FakeTime();

  @AutoClose private final TestProxy proxy = TestProxy.startAt(time, "UPSTREAM_TIMEOUT_SEC", "1");

  /**
   * Two requests on one connection, the second right behind the first.
   *
   * @param length so many bytes has the first body
   * @param piece so many bytes are sent at once
   */
  @ParameterizedTest
  @CsvSource({
    "100, 1000000",
    "3800, 1000000",
    "5000, 1000000",
    "5000, 150",
    "76000, 1000000",
    "76000, 4096",
    "76000, 7001",
    "1048500, 10000000",
    "1100000, 65536",
    "3000000, 10000000"
  })
  void goOnByteForByte(int length, int piece) throws IOException {
    String first = body(length);
    String second = body(length / 2 + 50);
    byte[] sent =
        (chatHead(first.length()) + first + chatHead(second.length()) + second)
            .getBytes(ISO_8859_1);
    try (var client = RawConnection.to(proxy.port())) {
      for (int from = 0; from < sent.length; from += piece) {
        client.send(Arrays.copyOfRange(sent, from, Math.min(from + piece, sent.length)));
      }
      client.readUntil("}}");
      client.readUntil("}}");
    }
    assertThat(proxy.sandbox().received())
        .extracting(request -> request.text().replace(TestProxy.FIRST, "auto"))
        .containsExactly(first, second);
  }

  /** Each request is read to a buffer for one much like the one before it. */
  @Test
  void goOnByteForByteAsAConversationGrows() throws IOException {
    List<String> bodies =
        IntStream.of(40_000, 40_000, 48_000, 75_000, 76_000, 9_000, 300, 90_000, 90_000, 120_000)
            .mapToObj(LargeBodyTest::body)
            .toList();
    try (var client = RawConnection.to(proxy.port())) {
      for (String body : bodies) {
        client.send(chatHead(body.length()) + body).readUntil("}}");
      }
    }
    assertThat(proxy.sandbox().received())
        .extracting(request -> request.text().replace(TestProxy.FIRST, "auto"))
        .containsExactlyElementsOf(bodies);
  }

  /**
   * What comes right behind a body, and then goes on, must not be written over the body: it may
   * have to be sent once more, and a key stands in the head of the next request. The head before it
   * fills the first read up to its last hundred bytes, so that nearly all of the body has a place.
   */
  @ParameterizedTest
  @CsvSource({
    "3000, false",
    "3000, true",
    "76000, false",
    "76000, true",
    "1060000, false",
    "1500000, false"
  })
  void outlastTheHalfOfAHeadBehindThem(int length, boolean isLikeTheLast) throws Exception {
    String body = body(length);
    String head = chatHead(body.length(), "X-Pad: ");
    head = head.replace("X-Pad: ", "X-Pad: " + "x".repeat(3_996 - head.length()));
    String next = chatHead(2);
    try (var client = RawConnection.to(proxy.port())) {
      if (isLikeTheLast) {
        client.send(head + body).readUntil("}}");
      }
      int before = proxy.sandbox().received().size();
      proxy.sandbox().script(TestProxy.FIRST, Faults.silence());
      client.send(head + body + next.substring(0, 20));
      proxy.awaitReceived(before + 1);
      client.send(next.substring(20, next.length() - 4));
      for (int i = 0; i < 3; i++) {
        proxy.get("/health");
      }
      time.advance(Duration.ofSeconds(1));
      assertThat(client.readUntil("}}")).contains(" 200 ");
      client.send("\r\n\r\n{}");
      assertThat(client.readUntil("}}")).contains(" 400 ");
    }
    assertThat(proxy.sandbox().received())
        .extracting(request -> request.text().replace(request.model(), "auto"))
        .hasSize(isLikeTheLast ? 3 : 2)
        .containsOnly(body);
  }

  /** No two places in it look alike. */
  private static String body(int length) {
    String text =
        IntStream.range(0, length / 2).mapToObj(Integer::toString).collect(Collectors.joining(" "));
    String start = "{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"";
    String end = "\"}]}";
    return start + text.substring(0, length - start.length() - end.length()) + end;
  }
}

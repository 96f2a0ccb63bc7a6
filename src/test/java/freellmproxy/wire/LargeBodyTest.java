package freellmproxy.wire;

import static freellmproxy.testing.RawConnection.chatHead;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bodies that are read to where they stay, however they come. */
final class LargeBodyTest {
  @AutoClose private final TestProxy proxy = TestProxy.start();

  /**
   * Two requests on one connection, the second right behind the first.
   *
   * @param length about so many bytes has the first body
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
    String second = body(length / 2 + 10);
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

  /** No two places in it look alike. */
  private static String body(int length) {
    String text =
        IntStream.range(0, length / 8).mapToObj(Integer::toString).collect(Collectors.joining(" "));
    return "{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"" + text + "\"}]}";
  }
}

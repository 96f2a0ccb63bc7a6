package freellmproxy.sse;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The WHATWG rules for event streams, whatever pieces they come in. */
final class SseParserTest {
  private static final String TRANSCRIPT =
      """
      : OPENROUTER PROCESSING

      data: {"a":1}

      event: delta
      id: 7
      data:no space
      data:  two spaces
      data

      {"bare": "JSON"}
      data: {"b":2}

      :
      retry: 100
      unknown: field
      data: трансформер 🚀

      id: only an id

      data:

      data: [DONE]

      """;

  private static final List<String> EVENTS =
      List.of(
          "null/{\"a\":1}",
          "delta/no space\n two spaces\n",
          "null/{\"bare\": \"JSON\"}\n{\"b\":2}",
          "null/трансформер 🚀",
          "null/",
          "null/[DONE]");

  @ParameterizedTest
  @ValueSource(strings = {"\n", "\r\n", "\r"})
  void givesTheSameEventsWhereverTheStreamIsCut(String lineEnd) {
    for (String start : List.of("", "\uFEFF")) {
      byte[] bytes = (start + TRANSCRIPT.replace("\n", lineEnd)).getBytes(UTF_8);
      List<String> whole = parse(bytes);
      assertThat(whole).hasSize(EVENTS.size());
      for (int first = 0; first <= bytes.length; first++) {
        assertThat(parse(bytes, first)).isEqualTo(whole);
        for (int second = first; second <= bytes.length; second += 3) {
          assertThat(parse(bytes, first, second)).isEqualTo(whole);
        }
      }
      assertThat(datasOf(whole)).isEqualTo(datasOf(EVENTS));
    }
  }

  @Test
  void givesTheSameEventsByteByByte() {
    byte[] bytes = TRANSCRIPT.getBytes(UTF_8);
    int[] everywhere = new int[bytes.length];
    Arrays.setAll(everywhere, i -> i);
    assertThat(parse(bytes, everywhere)).isEqualTo(parse(bytes));
  }

  @Test
  void readsNamesToo() {
    assertThat(parse(TRANSCRIPT.getBytes(UTF_8)).get(1)).startsWith("delta/");
  }

  @Test
  void keepsAByteOrderMarkThatIsNotAtTheStart() {
    assertThat(datasOf(parse("data: a\n\ndata: \uFEFFb\n\n".getBytes(UTF_8))))
        .containsExactly("a", "\uFEFFb");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 1000})
  void refusesAnEventThatIsTooLarge(int pieces) {
    assertThat(accepts("data: " + "x".repeat(50) + "\n\n", pieces)).isTrue();
    assertThat(accepts("data: " + "x".repeat(200) + "\n\n", pieces)).isFalse();
    assertThat(accepts("data: 0123456789\n".repeat(20) + "\n", pieces)).isFalse();
    assertThat(accepts("data: 0123456789\n\n".repeat(20), pieces)).isTrue();
    assertThat(accepts("x".repeat(200), pieces)).isFalse();
  }

  private static boolean accepts(String stream, int size) {
    var parser = new SseParser(100);
    boolean accepted = true;
    for (int from = 0; from < stream.length(); from += size) {
      String piece = stream.substring(from, Math.min(from + size, stream.length()));
      accepted &= parser.feed(piece.getBytes(UTF_8), event -> {});
    }
    return accepted;
  }

  @Test
  void writesAnEventAsItWasRead() {
    var events = new ArrayList<SseEvent>();
    new SseParser(100).feed("data: a\ndata: b\n\n".getBytes(UTF_8), events::add);
    assertThat(events.getFirst().encoded().toString()).isEqualTo("data: a\ndata: b\n\n");
  }

  /** They would be kept beside what is bounded. */
  @Test
  void forgetsNamesThatNobodyNeeds() {
    String endless = "x".repeat(1 << 11);
    assertThat(parse(("event: " + endless + "\nid: " + endless + "\ndata: a\n\n").getBytes(UTF_8)))
        .containsExactly("null/a");
  }

  private static List<String> datasOf(List<String> events) {
    return events.stream().map(event -> event.substring(event.lastIndexOf('/') + 1)).toList();
  }

  private static List<String> parse(byte[] bytes, int... cuts) {
    var events = new ArrayList<String>();
    var parser = new SseParser(1 << 20);
    int from = 0;
    for (int cut : cuts) {
      parser.feed(Arrays.copyOfRange(bytes, from, cut), e -> events.add(text(e)));
      from = cut;
    }
    byte[] rest = Arrays.copyOfRange(bytes, from, bytes.length);
    parser.feed(rest, e -> events.add(text(e)));
    parser.finish(e -> events.add(text(e)));
    return events;
  }

  private static String text(SseEvent event) {
    return event.name() + "/" + new String(event.data(), UTF_8);
  }
}

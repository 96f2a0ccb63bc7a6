package freellmproxy.json;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Jackson's own mapper says what is right. */
final class JsonTreeTest {
  private static final ObjectMapper JACKSON = new ObjectMapper();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "true",
        "[false, null, []]",
        "{}",
        "{\"a\": {\"b\": [1, {\"c\": \"\"}], \"d\": \"x\"}, \"e\": 2}",
        "{\"twice\": 1, \"twice\": [2]}",
        "\"\\u0416 \\\"quoted\\\" \\n \\ud83d\\ude00\"",
        "[0, -1, 2147483647, 2147483648, -9223372036854775808, 9223372036854775808]",
        "[0.5, -0.0, 1e3, 1.5E-7, 1e400, 3.141592653589793238]",
        " {\"a\": 1} and more"
      })
  void isReadAndWrittenAsJacksonDoes(String json) throws IOException {
    var read = JsonTree.read(json.getBytes(UTF_8));
    assertThat(read).isEqualTo(JACKSON.readTree(json));
    assertThat(JsonTree.write(read)).isEqualTo(JACKSON.readTree(json).toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "  "})
  void isMissingWhereThereIsNone(String json) throws IOException {
    assertThat(JsonTree.read(json.getBytes(UTF_8))).isEqualTo(MissingNode.getInstance());
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "[1", "[1}", "{\"a\"}", "{\"a\":}", "\"a", "nul", "<html>", "01"})
  void isRefusedWhereItIsBroken(String json) {
    assertThatThrownBy(() -> JsonTree.read(json.getBytes(UTF_8))).isInstanceOf(IOException.class);
  }

  @Test
  void isRefusedWhereItIsNoText() {
    byte[] zeros = {0, 0, 0, 0x41, 0x7F, 0, 0, 0};
    assertThatThrownBy(() -> JsonTree.read(zeros)).isInstanceOf(IOException.class);
  }

  @Test
  void isRefusedWhereItIsTooDeep() {
    byte[] deep = "[".repeat(1001).getBytes(UTF_8);
    assertThatThrownBy(() -> JsonTree.read(deep)).isInstanceOf(IOException.class);
  }
}

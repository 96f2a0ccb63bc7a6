package freellmproxy.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.Comparator;
import java.util.List;

/**
 * Some bytes of an event that are replaced, so that all others stay as they came.
 *
 * @param end exclusive; the same as {@code start} where something is inserted
 */
record Edit(int start, int end, String text) {

  static Edit insert(int at, String text) {
    return new Edit(at, at, text);
  }

  /** The text with all of these done, none of which may touch another. */
  static byte[] apply(byte[] bytes, List<Edit> edits) {
    var out = new ByteArrayOutputStream(bytes.length + 32 * edits.size());
    int from = 0;
    for (Edit edit : edits.stream().sorted(Comparator.comparingInt(Edit::start)).toList()) {
      out.write(bytes, from, edit.start() - from);
      out.writeBytes(edit.text().getBytes(UTF_8));
      from = edit.end();
    }
    out.write(bytes, from, bytes.length - from);
    return out.toByteArray();
  }
}

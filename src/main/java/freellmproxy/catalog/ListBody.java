package freellmproxy.catalog;

import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/**
 * The bytes of a list as they come, in one array that grows up to a limit: pieces of one byte would
 * cost a hundred times their size if they were kept as they are. For one thread at a time.
 */
final class ListBody {
  /** More than a hundred times the real list. */
  static final int MOST_BYTES = 16 << 20;

  private static final int FIRST_BYTES = 64 << 10;
  private static final int PIECE_BYTES = 8 << 10;

  private byte[] bytes = new byte[FIRST_BYTES];
  private int length;

  /** Adds a piece; false when it would be too large with it. */
  boolean append(Buffer piece) {
    if (!makeRoomFor(piece.length())) {
      return false;
    }
    piece.getBytes(0, piece.length(), bytes, length);
    length += piece.length();
    return true;
  }

  private boolean makeRoomFor(int more) {
    if (more > MOST_BYTES - length) {
      return false;
    }
    if (more > bytes.length - length) {
      int twice = Math.min(2 * bytes.length, MOST_BYTES);
      bytes = Arrays.copyOf(bytes, Math.max(twice, length + more));
    }
    return true;
  }

  /** All of them, up to {@link #length}. */
  byte[] bytes() {
    return bytes;
  }

  int length() {
    return length;
  }

  /**
   * What this is with gzip taken off; empty when that is too large. No more than the limit is ever
   * inflated.
   *
   * @throws IOException when it is not compressed like that, or cut off
   */
  Optional<ListBody> gunzipped() throws IOException {
    var plain = new ListBody();
    byte[] piece = new byte[PIECE_BYTES];
    try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(bytes, 0, length))) {
      for (int read = in.read(piece); read >= 0; read = in.read(piece)) {
        if (!plain.makeRoomFor(read)) {
          return Optional.empty();
        }
        System.arraycopy(piece, 0, plain.bytes, plain.length, read);
        plain.length += read;
      }
    }
    return Optional.of(plain);
  }
}

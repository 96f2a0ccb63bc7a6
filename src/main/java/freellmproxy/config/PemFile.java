package freellmproxy.config;

import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether a file has the form of PEM certificates (RFC 7468). The certificates themselves are
 * read when a connection needs them: parsing a system's whole collection would cost every start a
 * quarter of a second.
 */
final class PemFile {
  private static final String BEGIN = "-----BEGIN CERTIFICATE-----";
  private static final String END = "-----END CERTIFICATE-----";

  /** What the DER form of each certificate begins with: a SEQUENCE. */
  private static final byte DER_SEQUENCE = 0x30;

  private PemFile() {}

  /** What is wrong with a file's text; null when nothing is. */
  static @Nullable String faultIn(String text) {
    int begin = text.indexOf(BEGIN);
    if (begin < 0) {
      return "the file has no PEM certificate in it";
    }
    while (begin >= 0) {
      int end = text.indexOf(END, begin);
      if (end < 0 || !isDer(text.substring(begin + BEGIN.length(), end))) {
        return "the file has a broken certificate in it";
      }
      begin = text.indexOf(BEGIN, end);
    }
    return null;
  }

  private static boolean isDer(String base64) {
    try {
      byte[] der = Base64.getMimeDecoder().decode(base64);
      return der.length > 0 && der[0] == DER_SEQUENCE;
    } catch (IllegalArgumentException broken) {
      return false;
    }
  }
}

package freellmproxy.config;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What {@link Redactor} looks for. Immutable. */
final class Needle {
  private static final int BASE64_GROUP = 3;

  /** Bits of a byte, and of a character of Base64. */
  private static final int BYTE_BITS = 8;

  private static final int BASE64_BITS = 6;

  private final byte[] secret;
  private final byte[] shown;

  private Needle(byte[] secret, byte[] shown) {
    this.secret = secret;
    this.shown = shown;
  }

  /**
   * One for the secret itself and those for its Base64, wherever it stands in what is encoded.
   *
   * @param shown what takes its place; letters that would have to be escaped somewhere become
   *     question marks
   */
  static List<Needle> of(byte[] secret, String shown) {
    byte[] harmless = shown.replaceAll("[^A-Za-z0-9 .,:()=*_-]", "?").getBytes(US_ASCII);
    var needles = new ArrayList<Needle>();
    needles.add(new Needle(secret, harmless));
    for (String encoded : inBase64(secret)) {
      needles.add(new Needle(encoded.getBytes(US_ASCII), harmless));
    }
    return needles;
  }

  /**
   * Three bytes become four characters, so there are three forms. Characters at either end that
   * depend on what stands beside the secret are left out; they tell its outermost letters at most.
   */
  private static Set<String> inBase64(byte[] secret) {
    var forms = new LinkedHashSet<String>();
    for (int before = 0; before < BASE64_GROUP; before++) {
      byte[] shifted = new byte[before + secret.length];
      System.arraycopy(secret, 0, shifted, before, secret.length);
      int begin = Math.ceilDiv(before * BYTE_BITS, BASE64_BITS);
      int end = shifted.length * BYTE_BITS / BASE64_BITS;
      String encoded = new String(Base64.getEncoder().encode(shifted), ISO_8859_1);
      String certain = encoded.substring(begin, end);
      forms.add(certain);
      // The form for URLs.
      forms.add(certain.replace('+', '-').replace('/', '_'));
    }
    return forms;
  }

  int length() {
    return secret.length;
  }

  byte[] shown() {
    return shown;
  }

  boolean canBeginWith(byte first) {
    return first == secret[0] || SpelledChar.canBeginWith(first);
  }

  /** Marks the bytes it is made of. */
  void mark(boolean[] bytes) {
    for (byte letter : secret) {
      bytes[letter & 0xff] = true;
    }
  }

  /** The end of a spelling that begins at {@code from}; -1 when there is none. */
  int endOf(byte[] text, int from, int end) {
    int behind = from + secret.length;
    if (behind <= end && Arrays.equals(text, from, behind, secret, 0, secret.length)) {
      return behind;
    }
    int at = from;
    for (int i = 0; i < secret.length && at >= 0; i++) {
      at = SpelledChar.endOf(secret[i], text, at, end);
    }
    return at;
  }
}

package freellmproxy.config;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/** A key. It never prints itself: what is shown is {@link #tail()}. */
public final class Secret {
  private static final int TAIL_LENGTH = 4;

  private final String value;

  public Secret(String value) {
    this.value = value;
  }

  /** The key itself, for the one header it belongs in. */
  public String reveal() {
    return value;
  }

  /** Compares in time that depends on {@code candidate} alone, never on the key. */
  public boolean matches(String candidate) {
    return MessageDigest.isEqual(
        candidate.getBytes(StandardCharsets.UTF_8), value.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Enough to tell two keys apart without giving one away (contract section 5): {@code ...XXXX
   * (len=N)}, {@code len=N} for a key of four characters or fewer, {@code (empty)} for none.
   */
  public String tail() {
    if (value.isEmpty()) {
      return "(empty)";
    }
    String length = "len=" + value.length();
    return value.length() <= TAIL_LENGTH
        ? length
        : "..." + value.substring(value.length() - TAIL_LENGTH) + " (" + length + ")";
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Secret secret && matches(secret.value);
  }

  @Override
  public int hashCode() {
    return value.hashCode();
  }

  @Override
  public String toString() {
    return tail();
  }
}

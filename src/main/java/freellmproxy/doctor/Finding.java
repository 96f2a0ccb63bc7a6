package freellmproxy.doctor;

/**
 * What one check found.
 *
 * @param check its name, one word
 * @param detail what was seen
 * @param fix what to do; empty where nothing is to be done
 */
public record Finding(State state, String check, String detail, String fix) {
  /** How good it is. */
  public enum State {
    OK,
    /** The proxy works, but not as well as it could, or not as its owner may think. */
    WARNING,
    /** The proxy does not work like this. */
    FAULT
  }

  static Finding ok(String check, String detail) {
    return new Finding(State.OK, check, detail, "");
  }

  static Finding warning(String check, String detail, String fix) {
    return new Finding(State.WARNING, check, detail, fix);
  }

  static Finding failed(String check, String detail, String fix) {
    return new Finding(State.FAULT, check, detail, fix);
  }
}

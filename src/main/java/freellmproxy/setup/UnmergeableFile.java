package freellmproxy.setup;

/** A client's file that cannot be read or merged; it is left alone. The message says why. */
public final class UnmergeableFile extends Exception {
  private static final long serialVersionUID = 1L;

  UnmergeableFile(String message) {
    super(message);
  }
}

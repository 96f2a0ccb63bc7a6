package freellmproxy.api;

/**
 * What a bug of ours throws, of whatever type: a recursion without end or a class that cannot be
 * loaded ends one piece of work like any other bug, and not those beside it.
 */
public final class OwnFault {
  private OwnFault() {}

  /**
   * The same throwable, for a {@code catch} that takes all of them.
   *
   * @throws OutOfMemoryError when it is one: nobody can go on from there, and the JVM is told to
   *     end
   */
  public static Throwable of(Throwable thrown) {
    if (thrown instanceof OutOfMemoryError memory) {
      throw memory;
    }
    return thrown;
  }

  /** Does work that nothing depends on; what it throws is lost. */
  public static void ignoredIn(Runnable work) {
    try {
      work.run();
    } catch (Throwable thrown) {
      of(thrown);
    }
  }
}

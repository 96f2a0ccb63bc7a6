package freellmproxy.upstream;

/** What one answer, or one client, has of the {@link AnswerMemory}. For one event loop. */
public final class AnswerShare {
  private final AnswerMemory memory;
  private long bytes;

  /** Nothing yet. */
  public AnswerShare(AnswerMemory memory) {
    this.memory = memory;
  }

  /**
   * Makes it as large as so many bytes need; says false where there is no memory for them, and
   * leaves it as it was then.
   */
  public boolean covers(long needed) {
    long counted = needed <= AnswerMemory.ALWAYS_FITS ? 0 : needed;
    if (counted > bytes && !memory.take(counted - bytes)) {
      return false;
    }
    if (counted < bytes) {
      memory.giveBack(bytes - counted);
    }
    bytes = counted;
    return true;
  }

  /** Gives all of it back. */
  public void drop() {
    covers(0);
  }
}

package freellmproxy.upstream;

/** What one answer has of the {@link AnswerMemory}. For one event loop. */
final class AnswerShare {
  private final AnswerMemory memory;
  private int bytes;

  AnswerShare(AnswerMemory memory) {
    this.memory = memory;
  }

  /** Makes it as large as so many bytes need; says false where there is no memory for them. */
  boolean covers(int needed) {
    int counted = needed <= AnswerMemory.ALWAYS_FITS ? 0 : needed;
    if (counted > bytes && !memory.take(counted - bytes)) {
      return false;
    }
    if (counted < bytes) {
      memory.giveBack(bytes - counted);
    }
    bytes = counted;
    return true;
  }

  void drop() {
    covers(0);
  }
}

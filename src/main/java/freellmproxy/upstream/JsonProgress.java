package freellmproxy.upstream;

/** How far a JSON object that comes in pieces has come. It is not checked beyond its brackets. */
final class JsonProgress {
  private int depth;
  private boolean begun;
  private boolean inString;
  private boolean escaped;

  void read(String piece) {
    for (int i = 0; i < piece.length(); i++) {
      char c = piece.charAt(i);
      if (inString) {
        inString = c != '"' || escaped;
        escaped = c == '\\' && !escaped;
        continue;
      }
      switch (c) {
        case '"' -> inString = true;
        case '{', '[' -> {
          depth++;
          begun = true;
        }
        case '}', ']' -> depth--;
        default -> {}
      }
    }
  }

  /** Whether as many brackets have been closed as were opened, and one was. */
  boolean isWhole() {
    return begun && depth == 0 && !inString;
  }
}

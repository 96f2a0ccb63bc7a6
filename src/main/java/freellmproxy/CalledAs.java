package freellmproxy;

/** How the user calls this program, so that the lines it prints for pasting work as they are. */
final class CalledAs {
  /** Set by the launchers. */
  private static final String VARIABLE = "FREE_LLM_PROXY_CALLED_AS";

  private CalledAs() {}

  /** A word for a shell: as the launcher was called, or its name. */
  static String command() {
    String called = System.getenv(VARIABLE);
    return called == null || called.isBlank() ? "free-llm-proxy" : quoted(called);
  }

  /** As one word of a shell. */
  static String quoted(String text) {
    return text.matches("[\\w@%+=:,./~-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
  }
}

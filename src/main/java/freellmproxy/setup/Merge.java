package freellmproxy.setup;

/** Adds what the proxy needs to the text of a client's file and keeps everything else in it. */
interface Merge {
  /**
   * The text with everything needed in it; the same text when nothing is missing.
   *
   * @param old empty when there is no file yet
   * @throws UnmergeableFile when {@code old} cannot be understood
   */
  String into(String old) throws UnmergeableFile;
}

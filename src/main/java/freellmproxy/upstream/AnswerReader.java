package freellmproxy.upstream;

/** Makes {@link UpstreamReply}s of the body of one answer. For one event loop. */
interface AnswerReader {
  /** Says false when the answer is larger than one may be, or than there is memory for. */
  boolean read(byte[] piece);

  /** That was all; returns the last step. */
  UpstreamReply finish();

  /** Forgets what has come; nothing more may be read. */
  void drop();
}

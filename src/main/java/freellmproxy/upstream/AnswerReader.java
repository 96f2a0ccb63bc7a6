package freellmproxy.upstream;

import freellmproxy.upstream.UpstreamReply.Fault;
import org.jspecify.annotations.Nullable;

/** Makes {@link UpstreamReply}s of the body of one answer. For one event loop. */
interface AnswerReader {
  /** Takes a piece; says what is wrong with the answer because of it, null when nothing is. */
  @Nullable Fault read(byte[] piece);

  /** Keeps so many bytes in memory besides, for whoever was told of them; false: no room. */
  boolean holds(int bytes);

  /** That was all; returns the last step. */
  UpstreamReply finish();

  /** Forgets what has come and gives its memory back; nothing more may be read. */
  void drop();
}

package freellmproxy.upstream;

/**
 * Is told what comes back on an {@link UpstreamStream}: a head, pieces of the body, and the end; or
 * at any time that it is lost, which is the last word then. Nothing more comes once it is cut.
 */
interface StreamListener {
  /** The head of the final answer. */
  void head(int status, ReplyHeaders headers);

  /** Some of the body, for the listener to keep. */
  void piece(byte[] bytes);

  /** That was the whole body. */
  void end();

  /** No more comes. */
  void lost(Loss loss);
}

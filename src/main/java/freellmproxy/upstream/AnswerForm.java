package freellmproxy.upstream;

/** How the client asked to be answered. */
public enum AnswerForm {
  /** One JSON body. */
  WHOLE,
  /** Server-sent events. */
  STREAM
}

package freellmproxy.upstream;

import freellmproxy.chat.ChatRequest;

/** How the client asked to be answered. */
public enum AnswerForm {
  /** One JSON body. */
  WHOLE,
  /** Server-sent events. */
  STREAM;

  /** What this request asked for. */
  public static AnswerForm of(ChatRequest request) {
    return request.stream() ? STREAM : WHOLE;
  }
}

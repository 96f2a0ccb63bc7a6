package freellmproxy.chat;

/** Who may serve a request, of those that offer a model (OpenRouter's {@code provider} field). */
public enum Providers {
  /** Whoever the account's settings allow. */
  ANY,
  /** Those the request asks for; that there are none says nothing about the model. */
  CHOSEN
}

package freellmproxy.chat;

/**
 * Something in a request that OpenRouter could charge money for although the model is free.
 *
 * @param field the top-level field it is in
 * @param what it, as an error names it
 * @param rule a sentence that says what is free in its place
 */
public record PaidFeature(String field, String what, String rule) {}

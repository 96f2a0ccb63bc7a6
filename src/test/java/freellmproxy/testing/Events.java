package freellmproxy.testing;

/** Events of a chat stream as an upstream writes them. */
public final class Events {
  public static final String DONE = "data: [DONE]\n\n";
  public static final String ROLE = delta("{\"role\":\"assistant\",\"content\":\"\"}");
  public static final String USAGE = event("{\"id\":\"gen-1\",\"choices\":[],\"usage\":{}}");
  public static final String STOP = finish("stop");

  private Events() {}

  public static String event(String json) {
    return "data: " + json + "\n\n";
  }

  public static String delta(String delta) {
    return event(
        "{\"id\":\"gen-1\",\"choices\":[{\"index\":0,\"delta\":"
            + delta
            + ",\"finish_reason\":null}]}");
  }

  public static String content(String text) {
    return delta("{\"content\":\"" + text + "\"}");
  }

  public static String finish(String reason) {
    return event(
        "{\"id\":\"gen-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\""
            + reason
            + "\"}]}");
  }

  /** An error in the form OpenRouter puts into streams. */
  public static String error(int code) {
    return event(
        "{\"id\":\"gen-1\",\"error\":{\"code\":"
            + code
            + ",\"message\":\"Provider returned error\"},"
            + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},"
            + "\"finish_reason\":\"error\"}]}");
  }
}

package freellmproxy.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/** The vocabulary of faults that are not variations of a good answer. */
public final class Faults {
  private Faults() {}

  /** A status with a JSON body. */
  public static Behaviour status(int status, String body) {
    return status(status, Map.of(), body);
  }

  /** A status with headers and a body, which is JSON unless the headers say otherwise. */
  public static Behaviour status(int status, Map<String, String> headers, String body) {
    var all = new LinkedHashMap<String, String>();
    all.put("content-type", "application/json");
    headers.forEach((name, value) -> all.put(name.toLowerCase(java.util.Locale.ROOT), value));
    return Behaviour.of(
        new Step.Head(status, all), new Step.Write(body.getBytes(UTF_8)), new Step.End());
  }

  /** An error body as OpenRouter sends it. */
  public static Behaviour error(int status, String message) {
    return status(status, "{\"error\":{\"message\":\"" + message + "\",\"code\":" + status + "}}");
  }

  /** An HTML page, as an edge server sends it. */
  public static Behaviour html(int status) {
    return status(
        status,
        Map.of("content-type", "text/html"),
        "<html><head><title>sandbox</title></head><body>cloudflare</body></html>");
  }

  /** Bytes that are not HTTP. */
  public static Behaviour garbage() {
    return Behaviour.of(
        new Step.Raw("\u0001\u0002 this is not HTTP\r\n\r\n".getBytes(UTF_8)), new Step.Fin());
  }

  /** Takes the request and says nothing, for ever. */
  public static Behaviour silence() {
    return Behaviour.of(new Step.Stall());
  }

  /** Closes the connection instead of answering. */
  public static Behaviour hangUp() {
    return Behaviour.of(new Step.Fin());
  }

  /** Resets the connection instead of answering. */
  public static Behaviour reset() {
    return Behaviour.of(new Step.Reset());
  }

  /** An event stream of exactly these texts, each written at once, then the end of the response. */
  public static Behaviour stream(String... writes) {
    Step[] steps = new Step[writes.length + 2];
    steps[0] = new Step.Head(200, Map.of("content-type", "text/event-stream"));
    for (int i = 0; i < writes.length; i++) {
      steps[i + 1] = new Step.Write(writes[i].getBytes(UTF_8));
    }
    steps[writes.length + 1] = new Step.End();
    return Behaviour.of(steps);
  }

  /** An event stream of nothing but comments. */
  public static Behaviour commentsForEver(Duration every) {
    return Behaviour.of(
        new Step.Head(200, Map.of("content-type", "text/event-stream")),
        new Step.Repeat(": OPENROUTER PROCESSING\n\n".getBytes(UTF_8), every));
  }

  /** A 200 whose body is white space without end. */
  public static Behaviour paddingForEver(Duration every) {
    return Behaviour.of(
        new Step.Head(200, Map.of("content-type", "application/json")),
        new Step.Repeat("\n         ".getBytes(UTF_8), every));
  }

  /** The whole answer of another behaviour as one gzip body. */
  public static Behaviour gzipped(Behaviour answer) {
    return request -> {
      var body = new ByteArrayOutputStream();
      var head = new LinkedHashMap<String, String>();
      try (var gzip = new GZIPOutputStream(body)) {
        for (Step step : answer.steps(request)) {
          switch (step) {
            case Step.Head original -> head.putAll(original.headers());
            case Step.Write write -> gzip.write(write.bytes());
            default -> {}
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException("writing to memory cannot fail", e);
      }
      head.put("content-encoding", "gzip");
      return List.of(new Step.Head(200, head), new Step.Write(body.toByteArray()), new Step.End());
    };
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.Events;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Every fault at every place, plain and streamed, of the first model and of all: the endings stand
 * in {@code docs/fault-matrix.md}, and this test makes that page anew from what happens on real
 * sockets and compares. What differs is written to {@code target/fault-matrix.md}.
 */
final class FaultMatrixTest {
  private static final Path PAGE = Path.of("docs", "fault-matrix.md");
  private static final Path ACTUAL = Path.of("target", "fault-matrix.md");
  private static final String MESSAGE =
      Events.event("{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"}}]}");

  /** The proxy's own names nobody. */
  private static final Pattern FINISH_OF_SANDBOX =
      Pattern.compile("\"provider\":\"sandbox\".*\"finish_reason\":\"");

  private static final Duration EVERY = Duration.ofMillis(100);

  /** Each cell has a proxy and a sandbox of its own. */
  private static final int CELLS_AT_ONCE = 6;

  /** Where in an answer the fault happens. */
  private enum Place {
    BEFORE_HEAD(0, 0),
    BEFORE_FIRST_EVENT(0, 2),
    AFTER_ONE_EVENT(1, 3),
    AFTER_FINISH(1, 7);

    private final int plainWrites;

    /** A streamed standard answer: comment, role, four pieces, finish, usage, [DONE]. */
    private final int streamWrites;

    Place(int plainWrites, int streamWrites) {
      this.plainWrites = plainWrites;
      this.streamWrites = streamWrites;
    }

    /** How much of a good answer comes first. */
    int writes(Form form) {
      return form == Form.STREAM ? streamWrites : plainWrites;
    }

    /** A good answer to break off here. */
    Behaviour answer(Form form) {
      boolean inBody = form == Form.PLAIN && this == AFTER_ONE_EVENT;
      return inBody ? ChatAnswer.standard().inPiecesOf(100) : ChatAnswer.standard();
    }
  }

  private enum Form {
    PLAIN,
    STREAM
  }

  private enum Failing {
    FIRST_MODEL,
    ALL_MODELS
  }

  /** A row of the page; a place without a behaviour is one where the fault makes no sense. */
  private record Row(String fault, Form form, Failing failing, List<Callable<String>> cells) {}

  @Test
  void endsAsThePageSays() throws IOException, InterruptedException, ExecutionException {
    String page = page();
    Files.createDirectories(ACTUAL.toAbsolutePath().getParent());
    Files.writeString(ACTUAL, page);
    assertThat(page).isEqualTo(Files.exists(PAGE) ? Files.readString(PAGE) : "");
  }

  private static String page() throws InterruptedException, ExecutionException {
    return """
    # Fault matrix

    What a client gets for each fault of an upstream, as `FaultMatrixTest` saw it; the test fails when this page is wrong.
    "First" means that only the best model fails, "all" that every model does (`MAX_FALLBACK_ATTEMPTS=2`).
    **next**: the second model's whole answer, nothing to be noticed but the header. **whole**: the failing model's own answer, whole.
    **ended there**: what had come, a finish and `[DONE]`: the upstream itself said that this was all.
    **error frame**: what had come, then exactly one error event and one `[DONE]`. A number: that status with that code;
    "as it came": the upstream's own status and body. "-": the fault makes no sense there.
    For plain answers the places are: before the head, before the body, in the body, and where the body is complete but its end is missing.

    ## Faults by place

    | fault | answer | failing | before the head | before the first event | after one event | after the finish |
    |---|---|---|---|---|---|---|
    """
        + table(rowsByPlace())
        + """

        ## Answers that are wrong as a whole

        | fault | answer | failing | ending |
        |---|---|---|---|
        """
        + table(rowsOfWholeAnswers());
  }

  private static String table(List<Row> rows) throws InterruptedException, ExecutionException {
    var lines = new StringBuilder();
    try (ExecutorService pool = Executors.newFixedThreadPool(CELLS_AT_ONCE)) {
      var running = new ArrayList<List<Future<String>>>();
      for (Row row : rows) {
        running.add(row.cells().stream().map(pool::submit).toList());
      }
      for (int i = 0; i < rows.size(); i++) {
        Row row = rows.get(i);
        lines
            .append("| ")
            .append(row.fault())
            .append(row.form() == Form.PLAIN ? " | plain" : " | stream")
            .append(row.failing() == Failing.FIRST_MODEL ? " | first |" : " | all |");
        for (Future<String> cell : running.get(i)) {
          lines.append(' ').append(cell.get()).append(" |");
        }
        lines.append('\n');
      }
    }
    return lines.toString();
  }

  private static Step write(String text) {
    return new Step.Write(text.getBytes(UTF_8));
  }

  private static List<Row> rowsByPlace() {
    var rows = new ArrayList<Row>();
    for (Form form : Form.values()) {
      for (Failing failing : Failing.values()) {
        rows.add(ending("connection closed (FIN)", form, failing, new Step.Fin()));
        rows.add(ending("connection reset (RST)", form, failing, new Step.Reset()));
        rows.add(ending("silence", form, failing, new Step.Stall()));
        rows.add(
            ending(
                "bytes that are not HTTP",
                form,
                failing,
                new Step.Raw("\u0001 what is this\r\n\r\n".getBytes(UTF_8)),
                new Step.Fin()));
      }
    }
    for (Failing failing : Failing.values()) {
      Step comments = new Step.Repeat(": OPENROUTER PROCESSING\n\n".getBytes(UTF_8), EVERY);
      rows.add(behindHead("comments for ever", Form.STREAM, failing, comments));
      Step spaces = new Step.Repeat("\n    ".getBytes(UTF_8), EVERY);
      rows.add(behindHead("white space for ever", Form.PLAIN, failing, spaces));
      rows.add(behindHead("end of the response", Form.STREAM, failing, new Step.End()));
      rows.add(
          behindHead(
              "error event, then `[DONE]`",
              Form.STREAM,
              failing,
              write(Events.error(502)),
              write(Events.DONE),
              new Step.End()));
      rows.add(
          behindHead(
              "error event 429, then FIN",
              Form.STREAM,
              failing,
              write(Events.error(429)),
              new Step.Fin()));
      rows.add(
          behindHead(
              "`finish_reason: error`",
              Form.STREAM,
              failing,
              write(Events.finish("error")),
              write(Events.DONE),
              new Step.End()));
      rows.add(inserted("event that is not JSON", failing, write("data: {oops\n\n")));
      rows.add(inserted("raw tab in a text", failing, write(Events.content("\t"))));
      rows.add(inserted("two events in one", failing, write(twoInOne())));
      rows.add(inserted("`message` instead of `delta`", failing, write(MESSAGE)));
      rows.add(inserted("`data: {}`", failing, write("data: {}\n\n")));
      Step pings = new Step.Repeat("data: {}\n\n".getBytes(UTF_8), EVERY);
      rows.add(behindHead("`data: {}` for ever", Form.STREAM, failing, pings));
      Step empty = new Step.Repeat(Events.ROLE.getBytes(UTF_8), EVERY);
      rows.add(behindHead("empty deltas for ever", Form.STREAM, failing, empty));
      rows.add(inserted("`[DONE]` too early", failing, write(Events.DONE)));
      rows.add(inserted("second finish", failing, write(Events.STOP)));
    }
    return rows;
  }

  /** The answer up to the place, then these steps and nothing more. */
  private static Row ending(String fault, Form form, Failing failing, Step... then) {
    return row(
        fault,
        form,
        failing,
        place ->
            place == Place.BEFORE_HEAD
                ? Behaviour.of(then)
                : place.answer(form).upTo(place.writes(form), then));
  }

  private static Row behindHead(String fault, Form form, Failing failing, Step... then) {
    return row(
        fault,
        form,
        failing,
        place ->
            place == Place.BEFORE_HEAD ? null : place.answer(form).upTo(place.writes(form), then));
  }

  /** The whole answer with this step at the place. */
  private static Row inserted(String fault, Failing failing, Step step) {
    return row(
        fault,
        Form.STREAM,
        failing,
        place ->
            place == Place.BEFORE_HEAD
                ? null
                : ChatAnswer.standard().insert(place.writes(Form.STREAM), step));
  }

  /** Makes a behaviour for a place. */
  private interface ByPlace {
    @org.jspecify.annotations.Nullable
    Behaviour at(Place place);
  }

  private static Row row(String fault, Form form, Failing failing, ByPlace behaviours) {
    var cells = new ArrayList<Callable<String>>();
    for (Place place : Place.values()) {
      Behaviour behaviour = behaviours.at(place);
      cells.add(
          behaviour == null
              ? () -> "-"
              : () -> ending(fault + " " + place, form, failing, behaviour));
    }
    return new Row(fault, form, failing, cells);
  }

  private static List<Row> rowsOfWholeAnswers() {
    var rows = new ArrayList<Row>();
    for (Form form : Form.values()) {
      for (Failing failing : Failing.values()) {
        wholeAnswers()
            .forEach((fault, behaviour) ->
                rows.add(
                    new Row(
                        fault,
                        form,
                        failing,
                        List.of(() -> ending(fault, form, failing, behaviour)))));
      }
    }
    return rows;
  }

  private static Map<String, Behaviour> wholeAnswers() {
    var all = new java.util.LinkedHashMap<String, Behaviour>();
    all.put("429", Faults.error(429, "Provider returned error"));
    all.put("429 of the account", Faults.error(429, "Rate limit exceeded: free-models-per-day. "));
    all.put("503", Faults.error(503, "No backends available"));
    all.put("500", Faults.error(500, "oops"));
    all.put("502 in HTML", Faults.html(502));
    all.put("524", Faults.error(524, "Request timed out"));
    all.put("408", Faults.error(408, "Request timed out"));
    all.put("401", Faults.error(401, "No auth credentials found"));
    all.put("404, no endpoints", Faults.error(404, "No endpoints found for x:free."));
    all.put("404, no tool use", Faults.error(404, "No endpoints found that support tool use."));
    all.put("400, a bad parameter", Faults.error(400, "temperature is too high"));
    all.put("402", Faults.error(402, "Insufficient credits"));
    all.put("400 of a host", Faults.error(400, "Provider returned error"));
    all.put("404 of a host", Faults.error(404, "Provider returned error"));
    all.put("401 of a host", Faults.error(401, "Provider returned error"));
    all.put("403 in HTML", Faults.html(403));
    all.put("404 in HTML", Faults.html(404));
    all.put("404, no such path", Faults.status(404, "404 page not found"));
    all.put("302", Faults.status(302, Map.of("location", "/login"), ""));
    all.put("403, a rate limit", Faults.error(403, "Rate limit exceeded"));
    all.put("403, the key's limit", Faults.error(403, "Key limit exceeded (total limit)"));
    all.put(
        "400, a prompt too long", Faults.error(400, "prompt is too long: 9 tokens > 8 maximum"));
    all.put("400, code 429", Faults.status(400, "{\"error\":{\"code\":429,\"message\":\"x\"}}"));
    all.put("429 framed as an event", Faults.status(400, "data: {\"error\":{\"code\":429}}\n\n"));
    all.put("HTML with 200", Faults.html(200));
    all.put(
        "error body with 200", Faults.status(200, "{\"error\":{\"code\":502,\"message\":\"x\"}}"));
    all.put("nothing with 200", Faults.status(200, ""));
    all.put("no choices", Faults.status(200, "{\"id\":\"1\",\"choices\":[]}"));
    all.put("empty answer", ChatAnswer.empty());
    all.put("white space only", ChatAnswer.text(" ", "\n\n"));
    all.put("call without a name", ChatAnswer.empty().thenToolCall("call_1", "", ""));
    all.put("thoughts only, then `length`", thoughts().finishing("length"));
    all.put("malformed call", ChatAnswer.empty().finishing("MALFORMED_FUNCTION_CALL"));
    all.put(
        "the other form",
        request ->
            ChatAnswer.standard()
                .steps(
                    new freellmproxy.sandbox.ReceivedRequest(
                        request.number(),
                        request.headers(),
                        request.body(),
                        request.model(),
                        !request.stream(),
                        request.aborted())));
    all.put("stream as text/plain", asPlainText(ChatAnswer.standard()));
    all.put("gzip", Faults.gzipped(ChatAnswer.standard()));
    all.put("byte by byte", ChatAnswer.standard().inPiecesOf(1));
    all.put("thoughts only", thoughts());
    all.put("5 MB", ChatAnswer.text("x".repeat(5 << 20)));
    return all;
  }

  private static Behaviour asPlainText(Behaviour answer) {
    return request -> {
      var steps = new ArrayList<>(answer.steps(request));
      if (request.stream()) {
        steps.set(0, new Step.Head(200, Map.of("content-type", "text/plain")));
      }
      return steps;
    };
  }

  private static ChatAnswer thoughts() {
    return ChatAnswer.empty().thenReasoning("hm");
  }

  /** As if the blank line between them had been forgotten. */
  private static String twoInOne() {
    return Events.content("one").stripTrailing() + "\n" + Events.content("two");
  }

  /** Plays one cell, checks what holds for all of them, and says how it ended. */
  private static String ending(String what, Form form, Failing failing, Behaviour behaviour) {
    try (var proxy =
        TestProxy.start(
            "MAX_FALLBACK_ATTEMPTS",
            "2",
            "UPSTREAM_TIMEOUT_SEC",
            "2",
            "STREAM_IDLE_TIMEOUT_SEC",
            "2",
            "ANSWER_TIMEOUT_SEC",
            "2",
            "REQUEST_DEADLINE_SEC",
            "5")) {
      if (failing == Failing.ALL_MODELS) {
        proxy.sandbox().scriptOthers(behaviour);
      } else {
        proxy.sandbox().script(FIRST, behaviour);
      }
      HttpResponse<String> answer = form == Form.STREAM ? proxy.stream() : proxy.chat();
      assertThat(proxy.sandbox().received()).as(what).hasSizeBetween(1, 2);
      String metrics = proxy.settledMetrics();
      assertThat(metrics).as(what).contains("freellm_request_duration_seconds_count 1");
      return form == Form.STREAM && answer.statusCode() == 200
          ? streamEnding(what, answer)
          : plainEnding(answer);
    }
  }

  private static String streamEnding(String what, HttpResponse<String> answer) {
    String body = answer.body();
    assertThat(body).as(what).endsWith("data: [DONE]\n\n").containsOnlyOnce("[DONE]");
    assertThat(answer.headers().firstValue("content-type")).hasValue("text/event-stream");
    if (body.contains("data: {\"error\"")) {
      assertThat(body).as(what).containsOnlyOnce("data: {\"error\"");
      return "error frame";
    }
    return FINISH_OF_SANDBOX.matcher(body).find() ? whose(answer) : "ended there";
  }

  private static String plainEnding(HttpResponse<String> answer) {
    if (answer.statusCode() == 200) {
      return whose(answer);
    }
    String code = answer.body().replaceFirst("(?s).*\"code\":\"([a-z_]+)\".*", "$1");
    return answer.statusCode() + " " + (code.equals(answer.body()) ? "as it came" : code);
  }

  private static String whose(HttpResponse<String> answer) {
    String model = answer.headers().firstValue("x-free-llm-proxy-model").orElse("");
    return model.equals(FIRST) ? "whole" : model.equals(SECOND) ? "next" : "from " + model;
  }
}

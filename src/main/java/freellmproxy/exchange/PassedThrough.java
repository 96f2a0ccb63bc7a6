package freellmproxy.exchange;

import static java.nio.charset.StandardCharsets.UTF_8;

import freellmproxy.api.ApiError;
import freellmproxy.config.Redactor;
import freellmproxy.exchange.ClientReply.Tags;
import freellmproxy.json.JsonTree;
import freellmproxy.sse.SseEvent;
import freellmproxy.upstream.AnswerForm;
import io.netty.buffer.Unpooled;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.buffer.BufferInternal;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What an upstream answered, for the client to get as it came but for our secrets: a whole answer,
 * a refusal nobody else would take back, or an answer with nothing in it.
 *
 * @param contentType null when there was none; not used for a stream
 * @param retryAfter null when there was none
 */
record PassedThrough(
    AnswerForm form,
    int status,
    @Nullable String contentType,
    @Nullable String retryAfter,
    Buffer body,
    String model) {

  /** Characters of a refusal that is no JSON. */
  private static final int LONGEST_TEXT = 4096;

  /**
   * What an attempt brought that has been judged.
   *
   * @param status that of the verdict; an error in a 200 has its own
   */
  static PassedThrough of(Attempt attempt, int status) {
    var answer = attempt.answer();
    String model = attempt.model().id();
    Redactor redactor = attempt.call().redactor();
    if (answer != null && status >= 400 && !isJson(answer.body())) {
      return new PassedThrough(
          AnswerForm.WHOLE,
          status,
          "application/json",
          redactor.redact(answer.headers().first("Retry-After")),
          Buffer.buffer(inJson(status, redactor.redact(answer.body()))),
          model);
    }
    if (answer != null) {
      return new PassedThrough(
          AnswerForm.WHOLE,
          status,
          redactor.redact(answer.headers().first("Content-Type")),
          redactor.redact(answer.headers().first("Retry-After")),
          // Answers can be large, so they are not copied.
          BufferInternal.buffer(Unpooled.wrappedBuffer(redactor.redact(answer.body()))),
          model);
    }
    if (status >= 400) {
      byte[] error = redactor.redact(attempt.held().getLast().data());
      return new PassedThrough(
          AnswerForm.WHOLE, status, "application/json", null, Buffer.buffer(error), model);
    }
    Buffer events = Buffer.buffer();
    for (SseEvent event : attempt.held()) {
      events.appendBuffer(StreamRelay.redacted(event, redactor).encoded());
    }
    events.appendBuffer(StreamRelay.done());
    return new PassedThrough(AnswerForm.STREAM, status, null, null, events, model);
  }

  private static boolean isJson(byte[] body) {
    try {
      return JsonTree.read(body).isContainerNode();
    } catch (IOException text) {
      return false;
    }
  }

  /** Clients look for the message of an error in JSON, and some fail over anything else. */
  private static byte[] inJson(int status, byte[] text) {
    String said = new String(text, 0, Math.min(text.length, LONGEST_TEXT), UTF_8).strip();
    String message = said.isEmpty() ? "The upstream refused the request without a word." : said;
    return new ApiError(
            status,
            "invalid_request_error",
            "upstream_refusal",
            message,
            null,
            ApiError.Retry.UNSAID)
        .json();
  }

  void sendTo(ClientReply reply, Tags tags) {
    switch (form) {
      case WHOLE -> reply.answer(status, contentType, retryAfter, body, tags);
      case STREAM -> reply.stream(tags).end(body);
    }
  }
}

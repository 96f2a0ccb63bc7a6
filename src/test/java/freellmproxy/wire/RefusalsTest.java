package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.http.RefusalLog;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** What a newcomer is told whose client has a wrong key, path or idea of this proxy. */
final class RefusalsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final FakeTime time = new FakeTime();
  @AutoClose private final TestProxy proxy = TestProxy.startAt(time);

  private String send(String head) throws IOException {
    try (var client = RawConnection.to(proxy.port())) {
      client.send(head + "Host: x\r\nUser-Agent: agent/1\r\nContent-Length: 0\r\n\r\n");
      return client.readUntil("}}");
    }
  }

  @Test
  void areLoggedOnceAMinuteForEachStatus() throws IOException {
    var log = new ListAppender<ILoggingEvent>();
    log.start();
    var logger = (Logger) LoggerFactory.getLogger(RefusalLog.class);
    logger.addAppender(log);
    try {
      for (int i = 0; i < 3; i++) {
        send("POST /v1/chat/completions?key=SECRET HTTP/1.1\r\nx-api-key: SECRET-SECRET\r\n");
        send("GET /wrong HTTP/1.1\r\n");
      }
      assertThat(log.list).hasSize(2);
      time.advance(Duration.ofMinutes(1));
      send("GET /other HTTP/1.1\r\n");
      assertThat(log.list)
          .extracting(line -> line.getKeyValuePairs().toString())
          .satisfiesExactly(
              line ->
                  assertThat(line)
                      .contains("403", "invalid_token", "POST", "/v1/chat/completions", "agent/1")
                      .doesNotContain("SECRET"),
              line -> assertThat(line).contains("404", "not_found", "/wrong"),
              line -> assertThat(line).contains("/other", "unlogged_before=\"2\""));
    } finally {
      logger.detachAppender(log);
    }
  }

  @Test
  void nameTheKeyThatWasTakenForTheOther() throws IOException {
    assertThat(
            send(
                "POST /v1/chat/completions HTTP/1.1\r\nx-api-key: "
                    + TestProxy.UPSTREAM_KEY
                    + "\r\n"))
        .contains("403", "This is OPENROUTER_API_KEY")
        .doesNotContain(TestProxy.UPSTREAM_KEY);
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/messages,Claude Code",
    "/api/v1/messages,Claude Code",
    "/v1/messages/count_tokens,Claude Code",
    "/v1/responses,Codex",
    "/responses,Codex",
    "/v1/completions,completions",
    "/v1/embeddings,embeddings",
    "/v1/audio/speech,audio",
    "/v1/images/generations,images",
    "/api/chat,Ollama",
  })
  void sayWhichApiIsNotSpoken(String path, String name) throws IOException {
    assertThat(send("POST " + path + " HTTP/1.1\r\n"))
        .contains("404", "api_not_spoken", name, "POST /v1/chat/completions");
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/chat/completions/chat/completions,must end in /v1",
    "/v1/v1/chat/completions,one /v1 too many",
    "/chat/completions,must end in /v1",
    "/models,must end in /v1",
    "/v1/messagesx,GET / lists",
  })
  void sayWhatIsWrongWithABaseUrl(String path, String hint) throws IOException {
    assertThat(send("POST " + path + " HTTP/1.1\r\n")).contains("404", "not_found", hint);
  }

  private HttpResponse<String> get(String path) {
    return proxy.send(
        HttpRequest.newBuilder(proxy.uri(path)).header("x-api-key", TestProxy.KEY).GET());
  }

  @Test
  void leaveTheNamesOfAnyModelOut() throws IOException {
    JsonNode list = JSON.readTree(get("/v1/models").body()).path("data");
    assertThat(list.path(0).path("id").asText()).isEqualTo("auto");
    assertThat(list.path(1).path("id").asText()).isEqualTo("free-model");
    assertThat(list.path(2).path("id").asText()).isEqualTo(FIRST);
    HttpResponse<String> one = get("/v1/models/free-model");
    assertThat(one.statusCode()).isEqualTo(200);
    assertThat(JSON.readTree(one.body())).isEqualTo(list.path(1));
    long smallest = Long.MAX_VALUE;
    for (int i = 2; i < 7; i++) {
      smallest = Math.min(smallest, list.path(i).path("context_length").asLong(Long.MAX_VALUE));
    }
    assertThat(list.path(0).path("context_length").asLong()).isEqualTo(smallest);
    assertThat(list.path(0).path("supported_parameters").toString()).contains("tools");
  }
}

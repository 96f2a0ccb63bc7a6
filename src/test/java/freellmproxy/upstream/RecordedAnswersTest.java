package freellmproxy.upstream;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.chat.Providers;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every recorded upstream answer means what its {@code scope} says. */
final class RecordedAnswersTest {
  private static final Instant NOW = Instant.parse("2026-04-04T12:00:00Z");

  static Stream<Path> recordings() throws IOException, URISyntaxException {
    var folder = Objects.requireNonNull(RecordedAnswersTest.class.getResource("/upstream"));
    try (Stream<Path> files = Files.list(Path.of(folder.toURI()))) {
      return files.filter(file -> file.toString().endsWith(".json")).sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("recordings")
  void means(Path file) throws IOException {
    JsonNode recorded = new ObjectMapper().readTree(file.toFile());
    Map<String, String> headers = new HashMap<>();
    recorded
        .path("headers")
        .properties()
        .forEach(h -> headers.put(h.getKey().toLowerCase(Locale.ROOT), h.getValue().asText()));
    JsonNode body = recorded.path("body");
    byte[] bytes = (body.isTextual() ? body.textValue() : body.toString()).getBytes(UTF_8);
    Verdict verdict =
        ReplyClassifier.judgeAnswer(
            recorded.path("status").asInt(),
            name -> headers.get(name.toLowerCase(Locale.ROOT)),
            bytes,
            Providers.ANY,
            NOW);
    assertThat(scope(verdict)).isEqualTo(recorded.path("scope").asText());
    if (recorded.has("retry_after_seconds")) {
      assertThat(verdict)
          .isInstanceOfSatisfying(
              Verdict.ModelFailed.class,
              failed ->
                  assertThat(seconds(failed.rest().hint()))
                      .isEqualTo(recorded.path("retry_after_seconds").asLong()));
    }
  }

  /** Whole seconds, rounded up. */
  private static long seconds(@Nullable Duration hint) {
    return Objects.requireNonNull(hint).plusMillis(999).toSeconds();
  }

  /** An empty answer is the model's doing too. */
  private static String scope(Verdict verdict) {
    return switch (verdict) {
      case Verdict.Useful useful -> "none";
      case Verdict.ModelFailed failed -> "model";
      case Verdict.Empty empty -> "model";
      case Verdict.ModelUnfit unfit -> "model-request";
      case Verdict.AccountLimited limited -> "account";
      case Verdict.HostRefused refused -> refused.rest() == null ? "model-request" : "model";
      case Verdict.AccountBlocked blocked -> "account";
      case Verdict.KeyRefused refused -> "key";
      case Verdict.NotReached missed -> "way";
      case Verdict.ProxyOverloaded overloaded -> "proxy";
      case Verdict.ClientError error -> "client";
    };
  }

  @Test
  void readsAnHtmlPageOfAnEdgeServer() throws IOException, URISyntaxException {
    var page =
        Objects.requireNonNull(RecordedAnswersTest.class.getResource("/upstream/502-html.txt"));
    byte[] body = Files.readAllBytes(Path.of(page.toURI()));
    assertThat(ReplyClassifier.judgeAnswer(502, ReplyHeaders.NONE, body, Providers.ANY, NOW))
        .isEqualTo(
            new Verdict.ModelFailed(
                Outcome.UPSTREAM_ERROR,
                502,
                new Rest(Rest.Kind.ERROR, null),
                "502 server_error",
                null));
  }
}

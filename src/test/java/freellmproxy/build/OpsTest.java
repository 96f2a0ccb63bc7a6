package freellmproxy.build;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.testing.TestProxy;
import freellmproxy.upstream.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

/** The files an operator copies: they parse, and name only what the proxy has. */
final class OpsTest {

  @Test
  void theDashboardShowsEveryMetricAndNoOther() throws IOException {
    JsonNode dashboard =
        new ObjectMapper().readTree(Path.of("ops/grafana-dashboard.json").toFile());
    String expressions =
        StreamSupport.stream(dashboard.path("panels").spliterator(), false)
            .flatMap(panel -> panel.findValuesAsText("expr").stream())
            .collect(Collectors.joining("\n"));
    assertThat(metrics(expressions)).isEqualTo(exposed());
  }

  @Test
  void theAlertsAskOnlyForMetricsThereAre() throws IOException {
    Object file = new Yaml().load(Files.readString(Path.of("ops/prometheus-alerts.yaml")));
    JsonNode alerts = new ObjectMapper().valueToTree(file);
    String expressions = alerts.findValuesAsText("expr").stream().collect(Collectors.joining("\n"));
    assertThat(metrics(expressions)).isNotEmpty().isSubsetOf(exposed());
    assertThat(found("outcome=\"([a-z_]+)\"", expressions))
        .isNotEmpty()
        .isSubsetOf(Arrays.stream(Outcome.values()).map(Outcome::label).toList());
  }

  @ParameterizedTest
  @ValueSource(strings = {"docker-compose.yml", "packaging/kubernetes/free-llm-proxy.yaml"})
  void theDeploymentFilesAreYaml(String file) throws IOException {
    assertThat(new Yaml().loadAll(Files.readString(Path.of(file))))
        .allSatisfy(document -> assertThat(document).isInstanceOf(Map.class));
  }

  /** The JVM's own 140 MB are measured (docs/decisions/0035). */
  @Test
  void theMemoryThatJavaMayTakeFitsIntoWhatIsPromised() throws IOException {
    String options = Files.readString(Path.of("packaging/java-options"));
    int heap = number("-Xmx(\\d+)m", options);
    int direct = number("-XX:MaxDirectMemorySize=(\\d+)m", options);
    assertThat(heap + direct + 140).isLessThanOrEqualTo(768);
  }

  @ParameterizedTest
  @CsvSource({
    "docker-compose.yml, mem_limit: 1g",
    "packaging/kubernetes/free-llm-proxy.yaml, 'limits: {memory: 1Gi}'",
    "packaging/systemd/free-llm-proxy.service, MemoryMax=1G"
  })
  void theUnitsAllowMoreThanIsPromised(String file, String limit) throws IOException {
    assertThat(Path.of(file)).content().contains(limit);
  }

  /** What each of these was once without. */
  @ParameterizedTest
  @CsvSource({
    "docker-compose.yml, '${PUBLISH_ON:-127.0.0.1}:${PORT:-8080}:8080'",
    "docker-compose.yml, '- .:/config:ro'",
    "packaging/kubernetes/free-llm-proxy.yaml, 'strategy: {type: Recreate}'",
    "packaging/kubernetes/free-llm-proxy.yaml, 'automountServiceAccountToken: false'",
    "packaging/kubernetes/free-llm-proxy.yaml, imagePullPolicy: IfNotPresent",
    "packaging/kubernetes/free-llm-proxy.yaml, 'periodSeconds: 10, timeoutSeconds: 5'",
    ".gitattributes, '* text=auto eol=lf'"
  })
  void theDeploymentFilesKeepWhatTheyPromise(String file, String line) throws IOException {
    assertThat(Path.of(file)).content().contains(line);
  }

  /** cmd.exe loses its place in a file without CR. */
  @Test
  void theWindowsScriptIsTheTwinOfTheOther() throws IOException {
    String script = Files.readString(Path.of("free-llm-proxy.cmd"));
    assertThat(script.replace("\r\n", "")).doesNotContain("\n");
    assertThat(script)
        .contains("packaging\\java-options", "target\\free-llm-proxy.jar", "%JAVA_OPTS%", "%*");
    assertThat(number("needed_java=(\\d+)", script))
        .isEqualTo(number("needed_java=(\\d+)", Files.readString(Path.of("packaging/find-java"))));
  }

  private static int number(String pattern, String text) {
    return Integer.parseInt(found(pattern, text).iterator().next());
  }

  private static Set<String> exposed() {
    try (var proxy = TestProxy.start()) {
      proxy.chat();
      return found("# TYPE (freellm_\\S+)", proxy.get("/metrics").body());
    }
  }

  private static Set<String> metrics(String expressions) {
    return found("(freellm_[a-z_]+?)(?:_bucket|_count|_sum)?\\b", expressions);
  }

  private static Set<String> found(String pattern, String text) {
    return Pattern.compile(pattern)
        .matcher(text)
        .results()
        .map((MatchResult match) -> match.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }
}

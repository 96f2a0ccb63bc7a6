package freellmproxy.build;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.config.Setting;
import freellmproxy.config.SettingsLoader;
import freellmproxy.testing.TestProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the documents promise is what the code has, and the other way round. */
final class DocumentsTest {

  @Test
  void theReadmeNamesEverySettingAndNoOther() throws IOException {
    Set<String> settings =
        Arrays.stream(Setting.values()).map(Setting::name).collect(Collectors.toSet());
    assertThat(found("`([A-Z][A-Z_]+)`", section("Settings", "Errors"), "DEBUG|INFO|WARN|ERROR"))
        .isEqualTo(settings);
    for (Setting setting : Setting.values()) {
      if (!setting.byDefault().isEmpty()) {
        assertThat(section("Settings", "Errors"))
            .contains("| `" + setting + "` | `" + setting.byDefault() + "` |");
      }
    }
  }

  @Test
  void theReadmeNamesWhatOnlyARestartChanges() throws IOException {
    String settings = section("Settings", "Errors");
    int from = settings.indexOf("Only a restart changes");
    assertThat(
            found("`([A-Z][A-Z_]+)`", settings.substring(from, settings.indexOf(';', from)), "-"))
        .isEqualTo(
            Arrays.stream(Setting.values())
                .filter(setting -> !setting.changesAtRunTime())
                .map(Setting::name)
                .collect(Collectors.toSet()));
  }

  @Test
  void theReadmeNamesEveryMetricAndNoOther() throws IOException {
    try (var proxy = TestProxy.start()) {
      proxy.chat();
      Set<String> exposed = found("# TYPE (freellm_\\S+)", proxy.get("/metrics").body(), "-");
      assertThat(found("(freellm_[a-z_]+)", section("Metrics", "Logs"), "-")).isEqualTo(exposed);
    }
  }

  @Test
  void theReadmeNamesEveryErrorCodeAndNoOther() throws IOException {
    String code = code("src/main/java");
    Set<String> named = found("`([a-z]+(?:_[a-z]+)+)`", section("Errors", "Metrics"), "-");
    assertThat(named).allSatisfy(name -> assertThat(code).contains('"' + name + '"'));
    String inPlace =
        "(?:(?:ApiError|badRequest|unauthorized)\\(\\s*(?:\\d+,\\s*)?(?:\"[a-z_]+_error\",\\s*|"
            + "\"insufficient_quota\",\\s*|\"service_unavailable\",\\s*|\"proxy_misconfiguration\",\\s*)?\")([a-z_]+)\"";
    assertThat(named)
        .containsAll(
            found(
                inPlace, code, "invalid_request_error|authentication_error|messages|stream|tools"));
  }

  @Test
  void theExampleNamesEverySettingAndIsRefusedUntilItIsFilledIn() throws IOException {
    String example = Files.readString(Path.of(".env.example"));
    assertThat(example.lines().map(line -> line.replaceFirst("^#", "")))
        .contains(
            Arrays.stream(Setting.values())
                .filter(setting -> !setting.isSecret())
                .map(setting -> setting + "=" + setting.byDefault())
                .toArray(String[]::new));
    assertThat(SettingsLoader.load(Map.of(), Path.of(".env.example")))
        .isInstanceOfSatisfying(
            SettingsLoader.Result.Refused.class,
            refused ->
                assertThat(refused.problems().toString())
                    .contains("OPENROUTER_API_KEY", "PROXY_API_KEY", "placeholder"));
  }

  /** What stands in code is the same in any language, so it shows what one of the two lacks. */
  @Test
  void theRussianReadmeSaysTheSame() throws IOException {
    List<String> english = sections("README.md");
    List<String> russian = sections("README.ru.md");
    assertThat(russian).hasSameSizeAs(english);
    for (int i = 0; i < english.size(); i++) {
      assertThat(found("`([^`\n]+)`", russian.get(i), "-"))
          .as(russian.get(i).lines().findFirst().orElse(""))
          .isEqualTo(found("`([^`\n]+)`", english.get(i), "-"));
      assertThat(found("(?s)```sh\n(.*?)```", russian.get(i), "-"))
          .isEqualTo(found("(?s)```sh\n(.*?)```", english.get(i), "-"));
      assertThat(found("\\]\\(([^)]+)\\)", russian.get(i), "README.*"))
          .isEqualTo(found("\\]\\(([^)]+)\\)", english.get(i), "README.*"));
      assertThat(rows(russian.get(i))).isEqualTo(rows(english.get(i)));
    }
    assertThat(String.join("", russian)).containsPattern("[а-я]{5}");
  }

  @Test
  void everyLinkLeadsToAFile() throws IOException {
    var documents = new ArrayList<Path>(files(".", 1, ".md"));
    documents.addAll(files("docs", 2, ".md"));
    documents.addAll(files("bench", 1, ".md"));
    for (Path document : documents) {
      assertThat(found("\\]\\(([^)#:]+)\\)", Files.readString(document), "-"))
          .as(document.toString())
          .allSatisfy(link -> assertThat(document.resolveSibling(link)).exists());
    }
  }

  @Test
  void everySectionThatCommentsNameIsInTheContract() throws IOException {
    Set<String> sections =
        found("(?m)^## (\\d+)\\.", Files.readString(Path.of("docs/contract.md")), "-");
    String named = "(?i)contract[\\s*]+sections?[\\s*]+((?:\\d+(?:, | and | to )?)+)";
    Set<String> numbers = found("(\\d+)", found(named, code("src"), "-").toString(), "-");
    assertThat(numbers).isNotEmpty().isSubsetOf(sections);
  }

  private static String code(String folder) throws IOException {
    var code = new StringBuilder();
    for (Path file : files(folder, Integer.MAX_VALUE, ".java")) {
      code.append(Files.readString(file));
    }
    return code.toString();
  }

  private static List<Path> files(String folder, int depth, String ending) throws IOException {
    try (Stream<Path> files = Files.walk(Path.of(folder), depth)) {
      return files.filter(file -> file.toString().endsWith(ending)).toList();
    }
  }

  private static List<String> sections(String file) throws IOException {
    return List.of(Files.readString(Path.of(file)).split("\n## "));
  }

  private static long rows(String section) {
    return section.lines().filter(line -> line.startsWith("|")).count();
  }

  @Test
  void theReadmeBeginsWithTheTwoCommands() throws IOException {
    Set<String> commands = found("```sh\n(.*)\n```", section("Two commands", "Real use"), "-");
    assertThat(commands).containsExactlyInAnyOrder("./free-llm-proxy demo", "mvn verify");
    assertThat(Files.readString(Path.of(".ci/run"))).endsWith("mvn verify\n");
  }

  private static Set<String> found(String pattern, String text, String except) {
    return Pattern.compile(pattern)
        .matcher(text)
        .results()
        .map((MatchResult match) -> match.group(1))
        .filter(name -> !name.matches(except))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String section(String title, String next) throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    return readme.substring(readme.indexOf("## " + title), readme.indexOf("## " + next));
  }
}

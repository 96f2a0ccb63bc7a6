package freellmproxy.setup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code setup --write} does to the files of clients. */
final class SetupTest {
  private static final String URL = "http://localhost:8123";

  @TempDir Path home;

  @ParameterizedTest
  @EnumSource(names = {"QWEN", "OPENCODE", "AIDER", "CONTINUE", "LIBRECHAT"})
  void writesANewFileOnceAndThenChangesNothing(Client client) throws Exception {
    Path file = home.resolve("deep/in/settings");
    assertThat(ClientFile.write(client, URL, file)).hasValue(new ClientFile.Written(true, null));
    String written = Files.readString(file);
    assertThat(written).contains(URL);
    assertThat(ClientFile.write(client, URL, file)).hasValue(new ClientFile.Written(false, null));
    assertThat(Files.readString(file)).isEqualTo(written);
  }

  @ParameterizedTest
  @EnumSource(names = {"CLINE", "OPENWEBUI", "ENV"})
  void clientsWithoutAFileHaveNothingWritten(Client client) throws Exception {
    assertThat(ClientFile.write(client, URL, home.resolve("x"))).isEmpty();
    assertThat(home.resolve("x")).doesNotExist();
    assertThat(client.shown(URL)).contains(URL + "/v1");
  }

  @Test
  void qwenKeepsWhatElseItsFileHas() throws Exception {
    Path file = home.resolve("settings.json");
    String old =
        """
        {"ui":{"theme":"Dark"},"model":{"name":"old","maxTurns":5},
         "modelProviders":{"openai":[{"id":"mine","baseUrl":"http://x"},{"id":"free-model","baseUrl":"http://old"}]}}
        """;
    Files.writeString(file, old);
    ClientFile.Written written = ClientFile.write(Client.QWEN, URL, file).orElseThrow();
    JsonNode json = new ObjectMapper().readTree(file.toFile());
    assertThat(json.at("/ui/theme").asText()).isEqualTo("Dark");
    assertThat(json.at("/model/maxTurns").asInt()).isEqualTo(5);
    assertThat(json.at("/model/name").asText()).isEqualTo("free-model");
    assertThat(json.at("/security/auth/selectedType").asText()).isEqualTo("openai");
    assertThat(json.at("/modelProviders/openai/0/id").asText()).isEqualTo("mine");
    assertThat(json.at("/modelProviders/openai/1/baseUrl").asText()).isEqualTo(URL + "/api/v1");
    assertThat(json.at("/modelProviders/openai/1/envKey").asText()).isEqualTo("PROXY_API_KEY");
    assertThat(json.at("/modelProviders/openai")).hasSize(2);
    assertThat(written.backup()).hasContent(old);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{ // mine\n}", "[]", "{\"model\":", "{\"modelProviders\":7}"})
  void aJsonFileItCannotReadIsLeftAlone(String old) throws Exception {
    isLeftAlone(Client.QWEN, old);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a: [", "- one\n", "models: [{name: x}]\n"})
  void aYamlFileItCannotAddToIsLeftAlone(String old) throws Exception {
    isLeftAlone(Client.CONTINUE, old);
  }

  private void isLeftAlone(Client client, String old) throws Exception {
    Path file = home.resolve("settings");
    Files.writeString(file, old);
    assertThatThrownBy(() -> ClientFile.write(client, URL, file))
        .isInstanceOf(UnmergeableFile.class);
    assertThat(file).hasContent(old);
    try (Stream<Path> files = Files.list(home)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void yamlKeepsItsComments() throws Exception {
    assertThat(
            merged(
                Client.AIDER,
                """
                # mine
                model: gpt # old
                dark-mode: true
                """))
        .isEqualTo(
            """
            # mine
            model: openai/free-model
            dark-mode: true
            openai-api-base: http://localhost:8123/v1
            """);
    assertThat(
            merged(
                Client.CONTINUE,
                """
                name: me
                models:
                # best
                - name: a
                  model: b
                rules: []
                """))
        .isEqualTo(
            """
            name: me
            models:
            - name: free-llm-proxy
              provider: openai
              model: free-model
              apiBase: http://localhost:8123/v1
              apiKey: ${{ secrets.PROXY_API_KEY }}
            # best
            - name: a
              model: b
            rules: []
            """);
  }

  @Test
  void yamlIsAddedToAtAnyDepth() throws Exception {
    String entry =
        """
            - name: free-llm-proxy
              baseURL: http://localhost:8123/v1
              apiKey: ${PROXY_API_KEY}
              models:
                default: [free-model]
                fetch: true
        """;
    assertThat(
            merged(
                Client.LIBRECHAT,
                """
                endpoints:
                  # ours
                  custom:
                    - name: x
                  agents: {}
                """))
        .isEqualTo("endpoints:\n  # ours\n  custom:\n" + entry + "    - name: x\n  agents: {}\n");
    assertThat(
            merged(
                Client.LIBRECHAT,
                """
                endpoints:
                  agents: {}
                version: 1.2
                """))
        .isEqualTo("endpoints:\n  agents: {}\n  custom:\n" + entry + "version: 1.2\n");
  }

  /** The proxy has moved to another port; somebody has added to the entry. */
  @Test
  void anOwnEntryIsBroughtUpToDateWhereItStands() throws Exception {
    String old =
        """
        name: me
        models:
        - name: a
          model: b
        # the proxy
        - provider: openai
          name: "free-llm-proxy"
          model: free-model
          apiBase: http://localhost:1/v1 # old
          roles:
          - chat

        - name: c
        """;
    String updated =
        old.replace("localhost:1/v1 # old", "localhost:8123/v1")
            .replace("\"free-llm-proxy\"", "free-llm-proxy")
            .replace("  - chat\n", "  - chat\n  apiKey: ${{ secrets.PROXY_API_KEY }}\n");
    assertThat(merged(Client.CONTINUE, old)).isEqualTo(updated);
    assertThat(merged(Client.CONTINUE, updated)).isEqualTo(updated);
  }

  @Test
  void anEntryInAListIndentedOtherwiseIsFoundToo() throws Exception {
    String old =
        """
        endpoints:
            custom:
                -   name: free-llm-proxy
                    baseURL: http://old/v1
                    models:
                        default: [mine]
        """;
    String merged = merged(Client.LIBRECHAT, old);
    assertThat(merged)
        .containsOnlyOnce("free-llm-proxy")
        .contains("        -   name", "default: [free-model]", URL)
        .doesNotContain("http://old");
    assertThat(merged(Client.LIBRECHAT, merged)).isEqualTo(merged);
  }

  /** Every client that has a file, after a move to another address. */
  @ParameterizedTest
  @EnumSource(names = {"QWEN", "OPENCODE", "AIDER", "CONTINUE", "LIBRECHAT"})
  void anotherAddressTakesThePlaceOfTheOldOne(Client client) throws Exception {
    Path file = home.resolve("settings");
    ClientFile.write(client, "http://old:1", file);
    String old = Files.readString(file);
    ClientFile.write(client, URL, file);
    assertThat(file).hasContent(old.replace("http://old:1", URL));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "QWEN|{\"modelProviders\":{\"openai\":[{\"id\":\"free-model\",\"kept\":1}]}}",
        "OPENCODE|{\"theme\":\"kept\",\"provider\":{\"free-llm-proxy\":{\"options\":{\"timeout\":1}}}}",
        "AIDER|dark-mode: true # kept",
        "CONTINUE|rules: [kept]",
        "LIBRECHAT|version: 1.2 # kept",
      })
  void whatIsThereStaysAndASecondTimeChangesNothing(Client client, String old) throws Exception {
    String merged = merged(client, old);
    assertThat(merged).contains("kept", URL);
    assertThat(merged(client, merged)).isEqualTo(merged);
  }

  private static String merged(Client client, String old) throws UnmergeableFile {
    return client.merge(URL).orElseThrow().into(old);
  }

  @Test
  void aSecondBackupDoesNotOverwriteTheFirst() throws Exception {
    Path file = home.resolve("settings.json");
    Files.writeString(file, "{}");
    Path first = ClientFile.write(Client.QWEN, URL, file).orElseThrow().backup();
    Path second = ClientFile.write(Client.QWEN, "http://other:1", file).orElseThrow().backup();
    assertThat(first).hasContent("{}");
    assertThat(second).isNotEqualTo(first).content().contains(URL);
  }
}

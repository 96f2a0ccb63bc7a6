package freellmproxy.config;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.config.LiveSettings.Reload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a reload applies, what it names, and what it leaves alone. */
final class LiveSettingsTest {
  private static final String KEYS =
      "OPENROUTER_API_KEY=sk-or-one\nPROXY_API_KEY=proxy-key-number-one\n";

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void writeKeys() throws IOException {
    file = folder.resolve(".env");
    Files.writeString(file, KEYS);
  }

  private SettingsLoader.Result load() {
    return SettingsLoader.load(Map.of("LOG_LEVEL", "WARN"), file);
  }

  private LiveSettings live() {
    return new LiveSettings((SettingsLoader.Result.Loaded) load(), this::load);
  }

  /** Another good value for each setting. */
  private static String other(Setting setting) {
    return switch (setting) {
      case OPENROUTER_API_KEY -> "sk-or-two";
      case PROXY_API_KEY -> "proxy-key-number-two";
      case MODELS_LIST_URL, UPSTREAM_BASE_URL -> "http://elsewhere.example/v1";
      case FREE_ONLY -> "false";
      case OPENROUTER_REFERER, OPENROUTER_TITLE, NO_PROXY -> "other.example";
      case HOST -> "127.0.0.2";
      case CORS_ORIGINS -> "https://a.example";
      case SAME_MODEL_RETRIES -> "0";
      case LOG_FORMAT -> "text";
      case UPSTREAM_HTTP -> "2";
      case HTTPS_PROXY, HTTP_PROXY, ALL_PROXY -> "http://proxy.example:3128";
      default -> "17";
    };
  }

  /** All but the one that the environment sets, and the one that names a file. */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"LOG_LEVEL", "SSL_CERT_FILE"})
  void eachSettingIsAppliedOrNamed(Setting setting) throws IOException {
    LiveSettings live = live();
    Settings before = live.current();
    String line = setting + "=" + other(setting) + "\n";
    Files.writeString(file, (KEYS + line).replaceFirst("(?m)^" + setting + "=.*one\n", ""));
    Settings wanted = ((SettingsLoader.Result.Loaded) load()).settings();

    assertThat(live.reload())
        .isEqualTo(
            setting.changesAtRunTime()
                ? new Reload.Done(List.of(setting), List.of(), List.of())
                : new Reload.Done(List.of(), List.of(setting), List.of()));

    if (setting.changesAtRunTime()) {
      assertThat(live.current()).isEqualTo(wanted).isNotEqualTo(before);
    } else {
      assertThat(live.current()).isEqualTo(before);
    }
  }

  @Test
  void whatWaitsForARestartIsNamedUntilItIsTakenBack() throws IOException {
    LiveSettings live = live();
    Files.writeString(file, KEYS + "PORT=9000\nMAX_BODY_MB=1\n");
    assertThat(live.reload())
        .isEqualTo(new Reload.Done(List.of(Setting.MAX_BODY_MB), List.of(Setting.PORT), List.of()));
    assertThat(live.reload())
        .isEqualTo(new Reload.Done(List.of(), List.of(Setting.PORT), List.of()));
    Files.writeString(file, KEYS + "MAX_BODY_MB=1\n");
    assertThat(live.reload()).isEqualTo(new Reload.Done(List.of(), List.of(), List.of()));
  }

  @Test
  void theEnvironmentStillWinsAndSaysSo() throws IOException {
    LiveSettings live = live();
    Files.writeString(file, KEYS + "LOG_LEVEL=DEBUG\n");
    assertThat(live.reload())
        .isEqualTo(
            new Reload.Done(
                List.of(),
                List.of(),
                List.of(
                    "LOG_LEVEL is WARN in the environment and DEBUG in .env; the environment"
                        + " wins")));
    assertThat(live.current().logLevel()).isEqualTo(Settings.LogLevel.WARN);
  }

  @Test
  void settingsThatAreNotGoodChangeNothing() throws IOException {
    LiveSettings live = live();
    Settings before = live.current();
    Files.writeString(file, "PROXY_API_KEY=proxy-key-number-two\nMAX_BODY_MB=lots\n");
    assertThat(live.reload())
        .isInstanceOfSatisfying(
            Reload.Refused.class,
            refused ->
                assertThat(refused.problems())
                    .extracting(Problem::name)
                    .containsExactly("OPENROUTER_API_KEY", "MAX_BODY_MB"));
    assertThat(live.current()).isSameAs(before);
  }
}

package freellmproxy.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class UpstreamTest {
  private static final Settings.Upstream OPEN_ROUTER =
      new Settings.Upstream(
          URI.create("https://openrouter.ai/api/v1"),
          null,
          null,
          false,
          true,
          Settings.Egress.DIRECT);

  @ParameterizedTest
  @ValueSource(strings = {"a/b:free", "openrouter/free", "a/b-1.5_c:free"})
  void allowsWhatIsFree(String id) {
    assertThat(OPEN_ROUTER.allows(id)).isTrue();
  }

  /** OpenRouter adds what costs money to a model by its id. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "a/b",
        "openrouter/auto",
        "a/b:online",
        "a/b:online:free",
        "a/b:free:online",
        "a/b:nitro:free",
        "a/b@preset/c:free",
        "@preset/c:free",
        "a/b:FREE",
        "free",
        ""
      })
  void allowsNothingElse(String id) {
    assertThat(OPEN_ROUTER.allows(id)).isFalse();
  }
}

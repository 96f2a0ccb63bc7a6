package freellmproxy.catalog;

import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.catalog.Redirects.Next;
import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where a redirect leads to. */
final class RedirectsTest {

  @ParameterizedTest
  @CsvSource({
    "http://a/b/c?d=1, x?y=%2526, http://a/b/x?y=%2526",
    "http://a/b/c?d=1, /x, http://a/x",
    "http://a/b/c?d=1, ?x=1, http://a/b/c?x=1",
    "http://a, x, http://a/x",
    "http://a:81/b, //c/d, http://c/d",
    "http://a/b, https://c:444/d, https://c:444/d",
    "https://a/b, HTTPS://c, HTTPS://c"
  })
  void isFollowed(String from, String location, String to) {
    assertThat(Redirects.from(URI.create(from)).after(301, location))
        .isEqualTo(new Next.Follow(new Redirects(URI.create(to), 1)));
  }

  @Test
  void isReadWhenItLeadsNowhere() {
    Redirects start = Redirects.from(URI.create("http://a/b"));
    assertThat(start.after(301, null)).isEqualTo(new Next.Read());
    assertThat(start.after(304, "/c")).isEqualTo(new Next.Read());
    assertThat(start.after(200, "/c")).isEqualTo(new Next.Read());
  }
}

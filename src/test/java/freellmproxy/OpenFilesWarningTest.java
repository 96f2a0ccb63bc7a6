package freellmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class OpenFilesWarningTest {
  @ParameterizedTest
  @CsvSource({
    "1024, true",
    "4095, true",
    "4096, false",
    "1048576, false",
    "unlimited, false",
    "'', false"
  })
  void saysWhenFewFilesMayBeOpen(String soft, boolean warned) {
    Stream<String> lines =
        Stream.of(
            "Limit                     Soft Limit           Hard Limit           Units",
            "Max processes             96                   96                   processes",
            "Max open files            " + soft + "                 1048576              files");
    assertThat(OpenFiles.warning(lines).isPresent()).isEqualTo(warned && !soft.isEmpty());
  }
}

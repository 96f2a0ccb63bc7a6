package freellmproxy.doctor;

import freellmproxy.catalog.CatalogParser;
import freellmproxy.catalog.FetchFailure;
import freellmproxy.catalog.Model;
import freellmproxy.config.Setting;
import freellmproxy.config.Settings;
import freellmproxy.doctor.Probe.Target;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The list, read by what the proxy reads it with, within the same limits. */
final class ListCheck {
  private static final String CHECK = "list";

  /** It is made anew every day; a month later most free models are others. */
  private static final Duration OLD = Duration.ofDays(30);

  private final Settings settings;
  private final Probe probe;

  ListCheck(Settings settings, Probe probe) {
    this.settings = settings;
    this.probe = probe;
  }

  /**
   * What came of it.
   *
   * @param models ids, best first; none when it could not be read
   */
  record Read(Finding finding, List<String> models) {}

  Read read() {
    return switch (probe.list(settings)) {
      case CatalogParser.Result.Unusable(FetchFailure failure) ->
          new Read(unusable(failure), List.of());
      case CatalogParser.Result.Parsed parsed ->
          new Read(judge(parsed), parsed.models().stream().map(Model::id).toList());
    };
  }

  /** By its server; empty when it does not say. */
  Optional<Instant> date() {
    return probe.get(target(), null) instanceof Answer.Answered answered
        ? answered.date()
        : Optional.empty();
  }

  private Target target() {
    Settings.ModelList list = settings.modelList();
    return new Target(list.url(), list.egress(), Setting.MODELS_LIST_URL);
  }

  private Finding unusable(FetchFailure failure) {
    String begin = "MODELS_LIST_URL=" + settings.modelList().shown() + " ";
    boolean isTls = failure.type() == FetchFailure.Type.NETWORK && probe.speaksTls(target());
    return isTls
        ? Finding.failed(
            CHECK,
            begin + "begins with http://, but TLS is spoken there",
            "Write https:// instead of http:// into MODELS_LIST_URL.")
        : Finding.failed(CHECK, begin + "cannot be used: " + failure.error(), failure.remedy());
  }

  private Finding judge(CatalogParser.Result.Parsed parsed) {
    int left = parsed.warnings().size() + parsed.moreWarnings();
    String detail =
        "%s, best is %s%s"
            .formatted(
                Words.count(parsed.models().size(), "model"),
                parsed.models().getFirst().id(),
                left == 0 ? "" : "; " + left + " more cannot be used or are not free");
    Instant made = instant(parsed.updatedAt());
    if (made == null) {
      return Finding.ok(CHECK, detail);
    }
    Duration age = Duration.between(made, probe.now());
    return age.compareTo(OLD) < 0
        ? Finding.ok(CHECK, detail + "; made " + made.truncatedTo(ChronoUnit.SECONDS))
        : Finding.warning(
            CHECK,
            "%s; MODELS_LIST_URL=%s is old: made %s, %d days ago, most of its models may be gone"
                .formatted(
                    detail,
                    settings.modelList().shown(),
                    made.truncatedTo(ChronoUnit.SECONDS),
                    age.toDays()),
            "Set MODELS_LIST_URL to a list that is kept up, such as "
                + Setting.MODELS_LIST_URL.byDefault()
                + ", and look at this machine's clock.");
  }

  private static @Nullable Instant instant(@Nullable String text) {
    try {
      return text == null ? null : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException noTime) {
      return null;
    }
  }
}

package freellmproxy.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import freellmproxy.config.Settings;
import freellmproxy.doctor.Answer.Answered;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Whether a key that the upstream knows may chat (docs/upstream.md section 4). */
final class KeyCheck {
  private static final String CHECK = "key";
  private static final String KEYS_PAGE = "openrouter.ai/settings/keys";

  /** As many free requests a day are more than a free account has. */
  private static final int MANY = 1000;

  private static final Duration SOON = Duration.ofDays(3);

  private final String named;
  private final Function<String, Answer> get;
  private final Instant now;

  /**
   * A check of the key in force.
   *
   * @param get asks the upstream for a path
   */
  KeyCheck(Settings settings, Function<String, Answer> get, Instant now) {
    this.named = "OPENROUTER_API_KEY " + settings.keys().openRouter().tail();
    this.get = get;
    this.now = now;
  }

  /** What follows from the answer to {@code /key}. */
  List<Finding> findings(Answered answered) {
    JsonNode key = answered.json().path("data");
    if (key.path("is_management_key").asBoolean() || key.path("is_provisioning_key").asBoolean()) {
      return List.of(
          Finding.failed(
              CHECK,
              named + " is a management (provisioning) key, which cannot chat",
              "Make an ordinary API key at " + KEYS_PAGE + " and use that one."));
    }
    Instant end = instant(key.path("expires_at").asText());
    if (end != null && end.isBefore(now)) {
      return List.of(
          Finding.failed(
              CHECK, named + " expired at " + end, "Make a new one at " + KEYS_PAGE + "."));
    }
    if (isUsedUp(key.path("limit")) || isUsedUp(key.path("limit_remaining"))) {
      return List.of(limitReached(key));
    }
    return balance()
        .filter(left -> left < 0)
        .map(this::inDebt)
        .map(List::of)
        .orElseGet(() -> List.of(freeRequests(key, end)));
  }

  private static boolean isUsedUp(JsonNode amount) {
    return amount.isNumber() && amount.asDouble() <= 0;
  }

  private Finding limitReached(JsonNode key) {
    String reset = key.path("limit_reset").asText("");
    return Finding.failed(
        CHECK,
        "%s has nothing left of its own spending limit of %s"
            .formatted(named, dollars(key.path("limit").asDouble())),
        "Raise or remove the limit of that key at "
            + KEYS_PAGE
            + (reset.isEmpty() || reset.equals("null") ? "." : "; it is renewed " + reset + "."));
  }

  private Finding inDebt(double left) {
    return Finding.failed(
        CHECK,
        "%s belongs to an account with a negative balance of %s, which may ask no model, free ones"
                .formatted(named, dollars(left))
            + " included",
        "Buy credits at openrouter.ai/settings/credits.");
  }

  /** What an ordinary key may not know is no fault. */
  private Optional<Double> balance() {
    if (!(get.apply("/credits") instanceof Answered answered) || answered.status() != 200) {
      return Optional.empty();
    }
    JsonNode credits = answered.json().path("data");
    return credits.path("total_credits").isNumber() && credits.path("total_usage").isNumber()
        ? Optional.of(
            credits.path("total_credits").asDouble() - credits.path("total_usage").asDouble())
        : Optional.empty();
  }

  private Finding freeRequests(JsonNode key, @Nullable Instant end) {
    String tier = key.path("is_free_tier").asBoolean() ? " (free tier)" : "";
    JsonNode free = key.path("free_model_daily_requests");
    int limit = free.path("limit").asInt();
    String detail =
        named
            + " is valid"
            + tier
            + (free.isObject()
                ? ", %d of %d free requests of today are used, %d left"
                    .formatted(free.path("used").asInt(), limit, free.path("remaining").asInt())
                : "");
    if (free.isObject() && free.path("remaining").asInt() <= 0) {
      String more = limit >= MANY ? "." : ", or buy 10 credits once: 1000 a day then.";
      return Finding.failed(CHECK, detail, "Wait until midnight UTC" + more);
    }
    return end != null && Duration.between(now, end).compareTo(SOON) < 0
        ? Finding.warning(
            CHECK, detail + ", but expires at " + end, "Make a new one at " + KEYS_PAGE + ".")
        : Finding.ok(CHECK, detail);
  }

  private static String dollars(double amount) {
    return String.format(Locale.ROOT, "%s$%.2f", amount < 0 ? "-" : "", Math.abs(amount));
  }

  private static @Nullable Instant instant(String text) {
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException none) {
      return null;
    }
  }
}

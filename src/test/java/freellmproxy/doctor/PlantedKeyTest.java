package freellmproxy.doctor;

import static freellmproxy.doctor.Patient.Planted.fault;
import static freellmproxy.doctor.Patient.Planted.warning;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.doctor.Patient.Planted;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Faults of a key that reaches its upstream, and of the account behind it. */
final class PlantedKeyTest {
  @TempDir
  @SuppressWarnings("NullAway.Init")
  private Path folder;

  static Stream<Planted> keys() {
    String tail = "OPENROUTER_API_KEY ...7777 (len=26)";
    return Stream.of(
        refused(401, "User not found."),
        refused(403, "Key disabled"),
        fault(
            "a key refused inside of a 200",
            patient ->
                patient.host.at(
                    "/api/v1/key", 200, "{\"error\":{\"code\":401,\"message\":\"No user\"}}"),
            "key",
            List.of(tail, "is refused: it answered 401: No user"),
            List.of("openrouter.ai/settings/keys")),
        fault(
            "nothing is paid",
            patient ->
                patient.host.at(
                    "/api/v1/key", 402, "{\"error\":{\"message\":\"Insufficient credits\"}}"),
            "key",
            List.of(tail, "402: Insufficient credits"),
            List.of("openrouter.ai/settings/credits")),
        key("a management key", "\"is_management_key\":true", "cannot chat", "an ordinary API key"),
        key("a provisioning key", "\"is_provisioning_key\":true", "cannot chat", "an ordinary"),
        key(
            "a limit of nothing",
            "\"limit\":0,\"limit_remaining\":0",
            "nothing left of its own spending limit of $0.00",
            "Raise or remove the limit"),
        key(
            "a limit that was reached",
            "\"limit\":5,\"limit_remaining\":0,\"limit_reset\":\"monthly\"",
            "nothing left of its own spending limit of $5.00",
            "it is renewed monthly"),
        key(
            "an expired key",
            "\"expires_at\":\"2024-02-03T04:05:06Z\"",
            "expired at 2024-02-03T04:05:06Z",
            "Make a new one at openrouter.ai/settings/keys"),
        key(
            "no free requests left",
            "\"is_free_tier\":true,\"free_model_daily_requests\":" + Patient.free(0),
            "(free tier), 50 of 50 free requests of today are used, 0 left",
            "Wait until midnight UTC, or buy 10 credits"),
        fault(
            "a debt",
            patient ->
                patient.host.at(
                    "/api/v1/credits",
                    200,
                    "{\"data\":{\"total_credits\":1.0,\"total_usage\":1.42}}"),
            "key",
            List.of(tail, "a negative balance of -$0.42", "free ones included"),
            List.of("openrouter.ai/settings/credits")),
        fault(
            "all models blocked",
            patient -> patient.host.at("/api/v1/models/user", 200, "{\"data\":[]}"),
            "privacy",
            List.of("cannot use 2 of 2 listed models: a/one:free, b/two:free"),
            List.of("openrouter.ai/settings/privacy")),
        warning(
            "some models blocked",
            patient ->
                patient.host.at("/api/v1/models/user", 200, "{\"data\":[{\"id\":\"a/one:free\"}]}"),
            "privacy",
            List.of("cannot use 1 of 2 listed models: b/two:free"),
            List.of("openrouter.ai/settings/privacy")),
        warning(
            "no word of the account's models",
            patient -> patient.host.at("/api/v1/models/user", 500, "{}"),
            "privacy",
            List.of("/models/user", "it answered 500"),
            List.of("openrouter.ai/settings/privacy")));
  }

  private static Planted refused(int status, String words) {
    return fault(
        "a key refused with " + status,
        patient ->
            patient.host.at("/api/v1/key", status, "{\"error\":{\"message\":\"" + words + "\"}}"),
        "key",
        List.of("OPENROUTER_API_KEY ...7777 (len=26) is refused", status + ": " + words),
        List.of("openrouter.ai/settings/keys", "OPENROUTER_API_KEY", "/admin/reload"));
  }

  private static Planted key(String name, String fields, String detail, String fix) {
    return fault(
        name,
        patient -> patient.key(fields),
        "key",
        List.of("OPENROUTER_API_KEY ...7777 (len=26)", detail),
        List.of(fix));
  }

  @ParameterizedTest
  @MethodSource("keys")
  void names(Planted planted) throws Exception {
    planted.assertFullyNamedIn(folder);
  }

  @Test
  void warnsOfAKeyThatExpiresSoon() throws Exception {
    try (var patient = new Patient(folder)) {
      String tomorrow = Instant.now().plusSeconds(86_400).toString();
      assertThat(patient.key("\"expires_at\":\"" + tomorrow + "\"").examine().table())
          .contains("! key", "expires at");
    }
  }

  @Test
  void showsNoKeyThatTheUpstreamRepeats() throws Exception {
    try (var patient = new Patient(folder)) {
      patient.host.at("/api/v1/key", 401, "{\"error\":\"no user has " + Patient.KEY + "\"}");
      Report report = patient.examine();
      assertThat(Patient.flat(report)).contains("no user has ...7777");
      Patient.assertReadable(report);
    }
  }
}

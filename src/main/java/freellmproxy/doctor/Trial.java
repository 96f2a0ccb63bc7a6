package freellmproxy.doctor;

import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.config.Setting;
import freellmproxy.config.Settings;
import freellmproxy.doctor.Answer.Answered;
import freellmproxy.doctor.Answer.Silent;
import freellmproxy.doctor.Probe.Target;
import java.net.URI;

/** One answer of one model, which costs a free request. */
final class Trial {
  private static final String CHECK = "try";
  private static final ObjectMapper JSON = new ObjectMapper();

  private Trial() {}

  static Finding of(String model, Settings settings, Probe probe) {
    String body =
        JSON.createObjectNode()
            .put("model", model)
            .put("max_tokens", 16)
            .set(
                "messages",
                JSON.createArrayNode()
                    .add(JSON.createObjectNode().put("role", "user").put("content", "Say hello.")))
            .toString();
    var target =
        new Target(
            URI.create(settings.upstream().baseUrl() + "/chat/completions"),
            settings.upstream().egress(),
            Setting.UPSTREAM_BASE_URL);
    return switch (probe.post(target, settings.keys().openRouter().reveal(), body)) {
      case Answered answered when answered.status() == 200 ->
          Finding.ok(CHECK, model + " answered");
      case Answered answered -> failed(model, answered.said(settings.redactor()));
      case Silent silent -> failed(model, silent.why());
    };
  }

  private static Finding failed(String model, String why) {
    return Finding.warning(
        CHECK, model + ": " + why, "Nothing to do: the proxy would ask the next model.");
  }
}

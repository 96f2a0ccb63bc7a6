package freellmproxy.sandbox;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** What the models of the demo have to suffer, so that a fallback can be seen. */
public final class DemoFaults {
  private DemoFaults() {}

  /** The best model is rate-limited every other call, the second breaks, the third is slow. */
  public static void apply(SandboxUpstream sandbox) {
    List<String> ids = sandbox.recordedList().ids();
    Behaviour good = new AgentTurn(ChatAnswer.standard()).paced(Duration.ofMillis(80));
    sandbox.scriptOthers(good);
    sandbox.script(ids.get(0), everyOther(rateLimited(), good));
    sandbox.script(
        ids.get(1), everyOther(Faults.error(502, "[sandbox] Provider returned error"), good));
    sandbox.script(ids.get(2), good.after(new Step.Pause(Duration.ofSeconds(1))));
  }

  private static Behaviour rateLimited() {
    return Faults.status(
        429,
        Map.of("Retry-After", "5"),
        "{\"error\":{\"message\":\"[sandbox] rate-limited upstream\",\"code\":429,\"metadata\":"
            + "{\"provider_name\":\"sandbox\",\"limit_source\":\"upstream_provider_shared_pool\"}}}");
  }

  private static Behaviour everyOther(Behaviour odd, Behaviour even) {
    return request -> (request.number() % 2 == 1 ? odd : even).steps(request);
  }
}

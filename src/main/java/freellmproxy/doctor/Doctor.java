package freellmproxy.doctor;

import freellmproxy.config.Problem;
import freellmproxy.config.Settings;
import freellmproxy.config.SettingsLoader;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Answers why the proxy does not work. Every check tells what it saw and what to do; none costs a
 * request of the daily quota unless asked to. What others depend on comes first. Blocks while it
 * looks: not for event loops.
 */
public final class Doctor {
  private Doctor() {}

  /**
   * Runs all checks that make sense.
   *
   * @param complete whether one completion may be asked for, which costs one free request
   */
  public static Report examine(Vertx vertx, Surroundings surroundings, boolean complete) {
    var findings = new ArrayList<>(MachineCheck.findings(surroundings));
    var file = new FileCheck(surroundings.dotEnv());
    switch (SettingsLoader.load(surroundings.environment(), surroundings.dotEnv())) {
      case SettingsLoader.Result.Refused refused -> {
        findings.addAll(file.findings(refused.problems().stream().anyMatch(Doctor::isMissing)));
        findings.addAll(SettingsCheck.refused(refused, surroundings.dotEnv()));
        Processes.otherProxies()
            .map(other ->
                Finding.warning(
                    "proxy",
                    other + "; whether with these settings is not known",
                    "Where that one is meant, run the doctor in its folder."))
            .ifPresent(findings::add);
      }
      case SettingsLoader.Result.Loaded loaded -> {
        findings.addAll(MachineCheck.memory(surroundings, loaded.settings()));
        findings.addAll(file.findings(false));
        findings.addAll(SettingsCheck.loaded(loaded));
        findings.addAll(network(vertx, surroundings, loaded, complete));
      }
    }
    return new Report(findings);
  }

  private static boolean isMissing(Problem problem) {
    return problem.fault().startsWith("it is not set");
  }

  private static List<Finding> network(
      Vertx vertx,
      Surroundings surroundings,
      SettingsLoader.Result.Loaded loaded,
      boolean complete) {
    Settings settings = loaded.settings();
    Duration connect = shorter(settings.limits().connect(), surroundings.patience());
    var probe = new Probe(vertx, connect, surroundings.patience());
    var list = new ListCheck(settings, probe);
    ListCheck.Read read = list.read();
    var upstream = new UpstreamCheck(settings, probe);
    List<Finding> ofUpstream = upstream.findings(read.models());
    Optional<Instant> theirs = upstream.date().or(list::date);
    var findings = new ArrayList<>(ClockCheck.findings(theirs, probe.now()));
    findings.add(read.finding());
    findings.addAll(ofUpstream);
    findings.addAll(new PortCheck(loaded, probe).findings());
    boolean hasFault = ofUpstream.stream().anyMatch(f -> f.state() == Finding.State.FAULT);
    if (complete && !hasFault && !read.models().isEmpty()) {
      findings.add(Trial.of(read.models().getFirst(), settings, probe));
    }
    return findings;
  }

  private static Duration shorter(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }
}

package freellmproxy.doctor;

import freellmproxy.config.Settings;
import java.util.ArrayList;
import java.util.List;

/** Whether Java and the system give the proxy what it needs. */
final class MachineCheck {
  private static final int NEEDED_JAVA = 25;

  /** A request body may be this part of the heap. */
  private static final int PARTS = 4;

  /** Java keeps some of what -Xmx says for itself. */
  private static final double SLACK = 0.85;

  private MachineCheck() {}

  static List<Finding> findings(Surroundings surroundings) {
    var findings = new ArrayList<Finding>();
    String version = "Java " + surroundings.java();
    findings.add(
        surroundings.java().feature() >= NEEDED_JAVA
            ? Finding.ok("java", version)
            : Finding.failed(
                "java",
                version + " is too old: the proxy needs " + NEEDED_JAVA,
                "Install a JDK 25 and set JAVA_HOME to it."));
    surroundings
        .openFiles()
        .ifPresent(few ->
            findings.add(
                Finding.warning(
                    "files",
                    few,
                    "Run `ulimit -n 4096` in the shell that starts the proxy; for a service set"
                        + " LimitNOFILE=4096 (systemd) or --ulimit nofile=4096 (Docker).")));
    return findings;
  }

  /** Whether bodies that the settings allow find room. */
  static List<Finding> memory(Surroundings surroundings, Settings settings) {
    long room = surroundings.heapBytes() / PARTS;
    long wanted = settings.listen().maxBodyBytes();
    return room >= wanted * SLACK
        ? List.of()
        : List.of(
            Finding.warning(
                "memory",
                "Java may use %d MB of heap, so that a body above %d MB gets 413 although MAX_BODY_MB=%d"
                    .formatted(surroundings.heapBytes() >> 20, room >> 20, wanted >> 20),
                "Set JAVA_OPTS=-Xmx%dm, or a smaller MAX_BODY_MB."
                    .formatted(PARTS * (wanted >> 20))));
  }
}

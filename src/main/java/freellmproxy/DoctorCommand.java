package freellmproxy;

import freellmproxy.config.Settings.LogLevel;
import freellmproxy.doctor.Doctor;
import freellmproxy.doctor.Report;
import freellmproxy.doctor.Surroundings;
import freellmproxy.observe.Logging;
import io.vertx.core.Vertx;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code free-llm-proxy doctor}: why does it not work. */
@Command(
    name = "doctor",
    description =
        "Check Java, settings, list, upstream, key, port and the running proxy; exit code 1 for a"
            + " fault, 0 with warnings only.",
    mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  @Option(names = "--json", description = "Print the findings as JSON.")
  private boolean json;

  @Option(
      names = "--try",
      description = "Ask the best model for one answer too; costs one free request.")
  private boolean complete;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it before call
  private CommandSpec spec;

  @Override
  public Integer call() {
    Logging.level(LogLevel.ERROR);
    Vertx vertx = ProxyVertx.create();
    var surroundings =
        new Surroundings(
            System.getenv(),
            Path.of(".env"),
            Runtime.version(),
            Runtime.getRuntime().maxMemory(),
            OpenFiles.warning(),
            PATIENCE);
    Report report = Doctor.examine(vertx, surroundings, complete);
    Await.result(vertx.close());
    PrintWriter out = spec.commandLine().getOut();
    out.println(json ? report.json() : report.table().stripTrailing());
    out.flush();
    return report.isFine() ? 0 : 1;
  }
}

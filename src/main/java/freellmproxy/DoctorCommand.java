package freellmproxy;

import freellmproxy.config.Settings.LogLevel;
import freellmproxy.config.SettingsLoader;
import freellmproxy.doctor.Doctor;
import freellmproxy.doctor.Report;
import freellmproxy.observe.Logging;
import io.vertx.core.Vertx;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code free-llm-proxy doctor}: why does it not work. */
@Command(
    name = "doctor",
    description = "Check Java, settings, port, list, upstream and key; exit code 1 for a fault.",
    mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer> {
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
    Report report =
        Doctor.examine(vertx, SettingsLoader.load(System.getenv(), Path.of(".env")), complete);
    Await.result(vertx.close());
    PrintWriter out = spec.commandLine().getOut();
    out.println(json ? report.json() : report.table().stripTrailing());
    out.flush();
    return report.isFine() ? 0 : 1;
  }
}

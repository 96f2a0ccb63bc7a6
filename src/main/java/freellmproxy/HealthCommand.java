package freellmproxy;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.HttpURLConnection;
import java.net.URI;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code free-llm-proxy health}: for container health checks where there is no curl. */
@Command(
    name = "health",
    description = "Ask the running proxy whether it lives; exit code 0 when it does, else 1.",
    mixinStandardHelpOptions = true)
final class HealthCommand implements Callable<Integer> {
  private static final int TIMEOUT_MILLIS = 3_000;

  @Option(names = "--ready", description = "Ask whether it can serve requests instead.")
  private boolean ready;

  @Mixin private final ProxyAddress proxy = new ProxyAddress();

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it before call
  private CommandSpec spec;

  @Override
  public Integer call() {
    return proxy
        .find(spec.commandLine().getErr())
        .map(address -> ask(address + (ready ? "/ready" : "/health")))
        .orElse(ExitCode.BAD_SETTINGS);
  }

  private int ask(String asked) {
    PrintWriter out = spec.commandLine().getOut();
    boolean fine = false;
    try {
      // Loads a third of what the newer client does: this runs every few seconds.
      var connection = (HttpURLConnection) URI.create(asked).toURL().openConnection();
      connection.setConnectTimeout(TIMEOUT_MILLIS);
      connection.setReadTimeout(TIMEOUT_MILLIS);
      fine = connection.getResponseCode() == 200;
      out.println(asked + " answered " + connection.getResponseCode());
    } catch (IOException e) {
      out.println(asked + " did not answer: " + e.getMessage());
    }
    out.flush();
    return fine ? 0 : 1;
  }
}

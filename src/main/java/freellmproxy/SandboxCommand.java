package freellmproxy;

import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.SandboxUpstream.Options;
import freellmproxy.sandbox.SandboxUpstream.Recording;
import io.vertx.core.Vertx;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code free-llm-proxy sandbox}: the fake OpenRouter alone, for benches and for clients' tests.
 */
@Command(
    name = "sandbox",
    description = "Run only the fake OpenRouter, with a model list, on a loopback port.",
    mixinStandardHelpOptions = true)
final class SandboxCommand implements Callable<Integer> {
  @Option(
      names = "--port",
      description = "Port to listen on; 0 picks a free one (default: ${DEFAULT-VALUE}).",
      defaultValue = "0",
      converter = PortNumber.class)
  private int port;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it before call
  private CommandSpec spec;

  @Override
  public Integer call() {
    return start(port, spec.commandLine().getErr())
        .map(this::announce)
        .orElse(ExitCode.UNAVAILABLE);
  }

  /**
   * Starts a sandbox that runs until the process ends.
   *
   * @param err told why there is none
   */
  static Optional<SandboxUpstream> start(int port, PrintWriter err) {
    Vertx vertx = ProxyVertx.create();
    try {
      var options = new Options(port, Recording.OFF, null);
      return Optional.of(Await.result(SandboxUpstream.start(vertx, options)));
    } catch (CompletionException e) {
      vertx.close();
      err.println(
          "The sandbox cannot listen on port " + port + ": " + Await.reason(e).getMessage());
      err.flush();
      return Optional.empty();
    }
  }

  private int announce(SandboxUpstream sandbox) {
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "UPSTREAM_BASE_URL=%s%nMODELS_LIST_URL=%s%n", sandbox.baseUrl(), sandbox.modelListUrl());
    out.flush();
    return Await.signal();
  }
}

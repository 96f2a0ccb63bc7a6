package freellmproxy;

import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.SandboxUpstream.Options;
import freellmproxy.sandbox.SandboxUpstream.Recording;
import io.vertx.core.Vertx;
import java.io.PrintWriter;
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
    Vertx vertx = ProxyVertx.create();
    SandboxUpstream sandbox;
    try {
      sandbox = Await.result(SandboxUpstream.start(vertx, new Options(port, Recording.OFF, null)));
    } catch (CompletionException e) {
      vertx.close();
      return explain(e, port, spec.commandLine().getErr());
    }
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "UPSTREAM_BASE_URL=%s%nMODELS_LIST_URL=%s%n", sandbox.baseUrl(), sandbox.modelListUrl());
    out.flush();
    return Await.signal();
  }

  /**
   * Says why there is no sandbox.
   *
   * @return an exit code
   */
  static int explain(CompletionException failure, int port, PrintWriter err) {
    String reason = Await.reason(failure).getMessage();
    err.println("The sandbox cannot listen on port " + port + ": " + reason);
    err.flush();
    return ExitCode.UNAVAILABLE;
  }
}

package freellmproxy;

import freellmproxy.sandbox.DemoFaults;
import freellmproxy.sandbox.SandboxUpstream;
import java.io.PrintWriter;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code free-llm-proxy demo}: the proxy in front of its sandbox, without a key or a network. */
@Command(
    name = "demo",
    description = "Run the proxy in front of a fake OpenRouter: no key, no network.",
    mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {
  @Option(
      names = "--port",
      description = "Port of the proxy; 0 picks a free one (default: PORT, or 8080).",
      converter = PortNumber.class)
  private @Nullable Integer port;

  @Option(
      names = "--sandbox-port",
      description = "Port of the fake OpenRouter; 0 picks a free one (default: ${DEFAULT-VALUE}).",
      defaultValue = "0",
      converter = PortNumber.class)
  private int sandboxPort;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it before call
  private CommandSpec spec;

  @Override
  public Integer call() {
    return SandboxCommand.start(sandboxPort, spec.commandLine().getErr())
        .map(this::demonstrate)
        .orElse(ExitCode.UNAVAILABLE);
  }

  private int demonstrate(SandboxUpstream sandbox) {
    DemoFaults.apply(sandbox);
    String key = generatedKey();
    return new ServeCommand(
            () -> SandboxSettings.load(sandbox, key, wantedPort()),
            (loaded, proxy, catalog) -> introduce(proxy, key))
        .call();
  }

  private String wantedPort() {
    return port == null ? System.getenv().getOrDefault("PORT", "") : port.toString();
  }

  private static String generatedKey() {
    byte[] random = new byte[12];
    new SecureRandom().nextBytes(random);
    return "demo-" + HexFormat.of().formatHex(random);
  }

  private void introduce(Proxy proxy, String key) {
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        """

        This is a demo: the answers come from a fake OpenRouter inside this process.
          URL  http://127.0.0.1:%1$d/v1
          key  %2$s

        A plain request. The first model is rate-limited every other time and the second one
        breaks, so look at x-free-llm-proxy-model and x-free-llm-proxy-attempts:

          curl -i http://127.0.0.1:%1$d/v1/chat/completions -H 'Authorization: Bearer %2$s' \\
            -H 'Content-Type: application/json' -d '{"messages":[{"role":"user","content":"Hello"}]}'

        A streamed one:

          curl -N http://127.0.0.1:%1$d/v1/chat/completions -H 'Authorization: Bearer %2$s' \\
            -H 'Content-Type: application/json' -d '{"stream":true,"messages":[{"role":"user","content":"Hello"}]}'

        Ctrl-C ends it. The log of what happens follows.

        """,
        proxy.port(), key);
    out.flush();
  }
}

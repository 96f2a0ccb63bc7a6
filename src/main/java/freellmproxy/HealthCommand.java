package freellmproxy;

import freellmproxy.egress.Names;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.HttpURLConnection;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.URL;
import java.util.List;
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
      int status = status(URI.create(asked).toURL());
      fine = status == 200;
      out.println(asked + " answered " + status);
    } catch (IOException e) {
      out.println(asked + " did not answer: " + e.getMessage());
    }
    out.flush();
    return fine ? 0 : 1;
  }

  /** At the first address of the name that answers; of one with TLS only the name can be asked. */
  private static int status(URL asked) throws IOException {
    if (!asked.getProtocol().equals("http")) {
      return status(asked, TIMEOUT_MILLIS);
    }
    List<InetAddress> addresses = Names.lookUp(asked.getHost());
    var failure = new IOException("it has no address");
    for (InetAddress address : addresses) {
      try {
        return status(at(address, asked), TIMEOUT_MILLIS / addresses.size());
      } catch (IOException e) {
        failure = e;
      }
    }
    throw failure;
  }

  private static URL at(InetAddress address, URL asked) throws IOException {
    String literal = address.getHostAddress();
    String host = address instanceof Inet6Address ? "[" + literal + "]" : literal;
    String port = asked.getPort() == -1 ? "" : ":" + asked.getPort();
    return URI.create("http://" + host + port + asked.getFile()).toURL();
  }

  private static int status(URL asked, int connectMillis) throws IOException {
    // Loads a third of what the newer client does: this runs every few seconds.
    var connection = (HttpURLConnection) asked.openConnection();
    connection.setConnectTimeout(connectMillis);
    connection.setReadTimeout(TIMEOUT_MILLIS);
    return connection.getResponseCode();
  }
}

package freellmproxy;

import freellmproxy.observe.Logging;
import io.vertx.core.Future;
import java.net.BindException;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A proxy as a process: runs until a signal ends it. */
final class ProxyProcess {
  private static final Logger LOG = LoggerFactory.getLogger(ProxyProcess.class);

  private ProxyProcess() {}

  /**
   * Blocks until the process ends.
   *
   * @param onStarted told when the proxy listens
   * @return an exit code, only when it could not start
   */
  static int run(Future<Proxy> starting, Consumer<Proxy> onStarted) {
    Proxy proxy;
    try {
      proxy = Await.result(starting);
    } catch (CompletionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      boolean portTaken = cause instanceof BindException;
      LOG.atError()
          .addKeyValue("error", String.valueOf(cause.getMessage()))
          .addKeyValue("fix", portTaken ? "Set PORT to a free port, or stop what uses it." : null)
          .log("start_failed");
      return ExitCode.UNAVAILABLE;
    }
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(proxy), "stop"));
    HangUp.handle(proxy::reload, () -> System.exit(0));
    onStarted.accept(proxy);
    return Await.signal();
  }

  /** The JVM would end with 143 after SIGTERM; a service that stopped in good form ends with 0. */
  private static void stop(Proxy proxy) {
    Await.result(proxy.stop());
    Logging.stop();
    Runtime.getRuntime().halt(0);
  }
}

package freellmproxy;

import freellmproxy.observe.Logging;
import io.vertx.core.Future;
import java.net.UnknownHostException;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A proxy as a process: runs until a signal ends it. */
final class ProxyProcess {
  private static final Logger LOG = LoggerFactory.getLogger(ProxyProcess.class);

  private ProxyProcess() {}

  /**
   * Blocks until the process ends.
   *
   * @param address host and port it is to listen on, for the log when it cannot
   * @param onStarted told when the proxy listens
   * @return an exit code, only when it could not start
   */
  static int run(Future<Proxy> starting, String address, Consumer<Proxy> onStarted) {
    // Before the log says that it has started: whoever waits for that may send SIGTERM at once.
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(starting), "stop"));
    Proxy proxy;
    try {
      proxy = Await.result(starting);
    } catch (CompletionException e) {
      Throwable cause = Await.reason(e);
      LOG.atError()
          .addKeyValue("error", String.valueOf(cause.getMessage()))
          .addKeyValue("address", address)
          .addKeyValue("fix", fix(cause))
          .log("start_failed");
      return ExitCode.UNAVAILABLE;
    }
    Sighup.handle(proxy::reload, () -> System.exit(0));
    onStarted.accept(proxy);
    return Await.signal();
  }

  /** By its words: Netty's native failures have no types that tell. */
  private static @Nullable String fix(Throwable cause) {
    String message = String.valueOf(cause.getMessage());
    if (message.contains("Address already in use")) {
      return "Set PORT to a free port, or stop what uses it.";
    }
    if (message.contains("Permission denied")) {
      return "Set PORT to 1024 or more; lower ones need rights of their own.";
    }
    boolean isHost = cause instanceof UnknownHostException || message.contains("requested address");
    return isHost ? "Set HOST to an address of this machine; 0.0.0.0 stands for all." : null;
  }

  /** The JVM would end with 143 after SIGTERM; a service that stopped in good form ends with 0. */
  private static void stop(Future<Proxy> starting) {
    if (starting.failed()) {
      return;
    }
    if (starting.succeeded()) {
      Await.result(starting.result().stop());
    }
    Logging.stop();
    Runtime.getRuntime().halt(0);
  }
}

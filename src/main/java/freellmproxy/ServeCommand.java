package freellmproxy;

import freellmproxy.catalog.Catalog;
import freellmproxy.config.LiveSettings;
import freellmproxy.config.Problem;
import freellmproxy.config.Settings;
import freellmproxy.config.SettingsLoader;
import freellmproxy.observe.Logging;
import freellmproxy.time.VertxTime;
import io.vertx.core.Vertx;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code free-llm-proxy serve}: runs the proxy until SIGTERM. */
@Command(
    name = "serve",
    description = "Run the proxy with the settings of the environment and .env (the default).",
    mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);

  private final Supplier<SettingsLoader.Result> load;
  private final ReadyListener listener;

  /** Is told once the list has been read, on an event loop. */
  interface ReadyListener {
    void ready(Settings settings, Proxy proxy, Catalog catalog);
  }

  /** With the settings of the environment and the working directory. */
  ServeCommand() {
    this(() -> SettingsLoader.load(System.getenv(), Path.of(".env")), ServeCommand::greet);
  }

  /**
   * With settings from elsewhere.
   *
   * @param load called again at each reload
   */
  ServeCommand(Supplier<SettingsLoader.Result> load, ReadyListener listener) {
    this.load = load;
    this.listener = listener;
  }

  @Override
  public Integer call() {
    return switch (load.get()) {
      case SettingsLoader.Result.Refused refused -> {
        explain(refused.problems());
        yield ExitCode.BAD_SETTINGS;
      }
      case SettingsLoader.Result.Loaded loaded -> serve(loaded);
    };
  }

  private void explain(List<Problem> problems) {
    PrintWriter err = new CommandLine(this).getErr();
    err.println("free-llm-proxy cannot start:");
    int number = 0;
    for (Problem problem : problems) {
      err.printf("  %d. %s%n", ++number, problem);
    }
    err.println("Set these in the environment or in a file named .env here (see .env.example).");
    err.println("To try it without any key: free-llm-proxy demo");
    err.flush();
  }

  private int serve(SettingsLoader.Result.Loaded loaded) {
    Settings settings = loaded.settings();
    Logging.level(settings.logLevel());
    Logging.format(settings.logFormat());
    Logging.redact(settings.redactor());
    loaded.warnings().forEach(Proxy::warn);
    OpenFiles.warning().ifPresent(Proxy::warn);
    logEgress(settings);
    Vertx vertx = ProxyVertx.create();
    return ProxyProcess.run(
        Proxy.start(vertx, new LiveSettings(loaded, load), new VertxTime(vertx)),
        settings.listen().host() + ":" + settings.listen().port(),
        proxy ->
            proxy.firstReading().onSuccess(catalog -> listener.ready(settings, proxy, catalog)));
  }

  /** What a person at a terminal wants to know; a service has its log. */
  private static void greet(Settings settings, Proxy proxy, Catalog catalog) {
    if (!Logging.isText(settings.logFormat())) {
      return;
    }
    URI address = settings.listen().url(proxy.port());
    PrintWriter out = new CommandLine(new ServeCommand()).getOut();
    out.printf("%n  free-llm-proxy listens on %s/v1%n", address);
    if (catalog.isEmpty()) {
      out.printf("  models   none yet; `free-llm-proxy doctor` says why%n");
    } else {
      out.printf(
          "  models   %d free ones, %s is asked first%n",
          catalog.models().size(), catalog.models().getFirst().id());
    }
    out.printf(
        """
          key      PROXY_API_KEY, %2$s
          try      curl %1$s/v1/chat/completions -H "Authorization: Bearer $PROXY_API_KEY" \\
                     -d '{"messages":[{"role":"user","content":"Hello"}]}'
          clients  free-llm-proxy setup qwen (or opencode, cline, aider, continue, ...)

        """,
        address, settings.keys().proxy().tail());
    out.flush();
  }

  private static void logEgress(Settings settings) {
    Settings.Egress egress = settings.upstream().egress();
    if (!egress.equals(Settings.Egress.DIRECT)) {
      Settings.ProxyServer proxy = egress.proxy();
      LOG.atInfo()
          .addKeyValue("proxy", proxy == null ? null : proxy.shown())
          .addKeyValue("certificates", egress.certificates())
          .log("egress");
    }
  }
}

package freellmproxy;

import freellmproxy.catalog.Catalog;
import freellmproxy.config.LiveSettings;
import freellmproxy.config.Problem;
import freellmproxy.config.Setting;
import freellmproxy.config.Settings;
import freellmproxy.config.SettingsLoader;
import freellmproxy.observe.Logging;
import freellmproxy.time.VertxTime;
import io.vertx.core.Vertx;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code free-llm-proxy serve}: runs the proxy until SIGTERM. */
@Command(
    name = "serve",
    description = "Run the proxy with the settings of the environment and .env (the default).",
    mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);

  private static final Path DOT_ENV = Path.of(".env");

  @Option(
      names = "--port",
      description = "Port to listen on; 0 picks a free one (default: PORT, or 8080).",
      converter = PortNumber.class)
  private @Nullable Integer port;

  @Option(names = "--host", description = "Address to listen on (default: HOST, or 0.0.0.0).")
  private @Nullable String host;

  private final Supplier<SettingsLoader.Result> load;
  private final ReadyListener listener;

  /** Is told once the list has been read, on an event loop. */
  interface ReadyListener {
    void ready(SettingsLoader.Result.Loaded loaded, Proxy proxy, Catalog catalog);
  }

  /** With the settings of the environment and the working directory. */
  ServeCommand() {
    this.load = () -> SettingsLoader.load(System.getenv(), options(), DOT_ENV);
    this.listener = ServeCommand::greet;
  }

  private Map<String, String> options() {
    var options = new HashMap<String, String>();
    if (port != null) {
      options.put(Setting.PORT.name(), port.toString());
    }
    if (host != null) {
      options.put(Setting.HOST.name(), host);
    }
    return options;
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
    err.println("To try it without any key: " + CalledAs.command() + " demo");
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
        proxy -> proxy.firstReading().onSuccess(catalog -> listener.ready(loaded, proxy, catalog)));
  }

  /** A service has its log. */
  private static void greet(SettingsLoader.Result.Loaded loaded, Proxy proxy, Catalog catalog) {
    if (Logging.isText(loaded.settings().logFormat())) {
      PrintWriter out = new CommandLine(new ServeCommand()).getOut();
      out.print(StartBlock.of(loaded, DOT_ENV, proxy.port(), catalog));
      out.flush();
    }
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

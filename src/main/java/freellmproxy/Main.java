package freellmproxy;

import freellmproxy.observe.Logging;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/**
 * The command line: {@code serve} (the default), {@code demo}, {@code doctor}, {@code setup},
 * {@code health}, {@code version}, {@code sandbox}, {@code generate-completion}, {@code --help}.
 */
@Command(
    name = "free-llm-proxy",
    description = "One local OpenAI endpoint in front of a ranked list of free models.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    subcommands = {
      ServeCommand.class,
      DemoCommand.class,
      DoctorCommand.class,
      SetupCommand.class,
      HealthCommand.class,
      VersionCommand.class,
      SandboxCommand.class,
      TrainCommand.class,
      AutoComplete.GenerateCompletion.class,
      CommandLine.HelpCommand.class
    })
public final class Main implements Callable<Integer> {

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] args) {
    int code = run(args);
    Logging.stop();
    System.exit(code);
  }

  /** What a service starts with needs no parsing, and the parser a tenth of a second to load. */
  private static int run(String[] args) {
    if (args.length == 0) {
      return new ServeCommand().call();
    }
    if (args.length == 1 && args[0].equals("train")) {
      return new TrainCommand().call();
    }
    return commandLine().execute(args);
  }

  /** The command line with all commands. */
  static CommandLine commandLine() {
    var line = new CommandLine(new Main()).setCaseInsensitiveEnumValuesAllowed(true);
    // picocli takes generate-completion for help, and help for right whatever else is asked.
    line.getSubcommands()
        .forEach((name, command) -> command.getCommandSpec().helpCommand(name.equals("help")));
    line.setParameterExceptionHandler(new WrongUsage());
    return line;
  }

  /** Without a subcommand the proxy is served. */
  @Override
  public Integer call() {
    return new ServeCommand().call();
  }

  /** The version that the build wrote into the jar's manifest. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {
        "free-llm-proxy " + Optional.ofNullable(version).orElse("(not packaged)"),
        "Java " + Runtime.version()
      };
    }
  }
}

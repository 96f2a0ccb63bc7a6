package freellmproxy;

import freellmproxy.setup.Client;
import freellmproxy.setup.ClientFile;
import freellmproxy.setup.UnmergeableFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code free-llm-proxy setup CLIENT}: what a client needs, printed or written into its file. */
@Command(
    name = "setup",
    description = "Show what a client needs to use the proxy, or write it into the client's file.",
    mixinStandardHelpOptions = true)
final class SetupCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "CLIENT",
      description = "One of ${COMPLETION-CANDIDATES}.",
      converter = ClientName.class)
  @SuppressWarnings("NullAway.Init") // picocli sets it before call
  private Client client;

  @Option(
      names = "--write",
      description = "Merge it into the client's file; the old one stays beside it as .bak.")
  private boolean write;

  @Mixin private final ProxyAddress proxy = new ProxyAddress();

  @Option(names = "--file", description = "The client's file, where it is not in its usual place.")
  private @Nullable Path file;

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it before call
  private CommandSpec spec;

  @Override
  public Integer call() {
    return proxy.find(spec.commandLine().getErr()).map(this::setUp).orElse(ExitCode.BAD_SETTINGS);
  }

  private int setUp(String address) {
    Optional<Path> target =
        Optional.ofNullable(file).or(() -> client.file().map(name -> home().resolve(name)));
    PrintWriter out = spec.commandLine().getOut();
    if (!write) {
      target.ifPresent(path -> out.println("# " + path));
      out.print(client.shown(address));
      out.println("# " + client.note());
      out.flush();
      return 0;
    }
    return target.map(path -> write(address, path)).orElseGet(this::nothingToWrite);
  }

  /** A client as the command line takes it. */
  static final class ClientName implements ITypeConverter<Client> {
    private static final List<String> NAMES =
        Arrays.stream(Client.values()).map(Client::toString).toList();

    @Override
    public Client convert(String text) {
      String name = text.toLowerCase(Locale.ROOT);
      return Arrays.stream(Client.values())
          .filter(client -> client.toString().equals(name))
          .findFirst()
          .orElseThrow(() -> unknown(text, name));
    }

    private static TypeConversionException unknown(String text, String name) {
      return new TypeConversionException(
          "'%s' is none of %s.%s"
              .formatted(
                  text,
                  String.join(", ", NAMES),
                  WrongUsage.near(name, NAMES)
                      .map(near -> " Did you mean " + near + "?")
                      .orElse(" For any other client take env.")));
    }
  }

  /** Where the clients themselves look; Java's own property asks the account instead. */
  private static Path home() {
    String home = System.getenv("HOME");
    return Path.of(home == null || home.isEmpty() ? System.getProperty("user.home") : home);
  }

  private int write(String address, Path path) {
    PrintWriter out = spec.commandLine().getOut();
    try {
      Optional<ClientFile.Written> written = ClientFile.write(client, address, path);
      if (written.isEmpty()) {
        return nothingToWrite();
      }
      if (!written.get().changed()) {
        out.println(path + " has it already; nothing was changed.");
      } else {
        out.println(path + " was written.");
        if (written.get().backup() != null) {
          out.println("The old one is " + written.get().backup() + ".");
        }
      }
      out.println(client.note());
      out.flush();
      return 0;
    } catch (UnmergeableFile e) {
      return refuse(
          path + " was left alone: " + e.getMessage() + ". Add by hand what setup prints.");
    } catch (IOException e) {
      return refuse(path + " could not be written: " + e.getMessage());
    }
  }

  private int nothingToWrite() {
    return refuse(
        "There is no file to write for %1$s; `%3$s setup %1$s` prints what it needs. %2$s"
            .formatted(client, client.note(), CalledAs.command()));
  }

  private int refuse(String message) {
    PrintWriter err = spec.commandLine().getErr();
    err.println(message);
    err.flush();
    return 1;
  }
}

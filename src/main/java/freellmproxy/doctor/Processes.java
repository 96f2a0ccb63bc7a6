package freellmproxy.doctor;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Who listens where, as far as Linux lets us see (proc(5), /proc/net/tcp). */
final class Processes {
  private static final String LISTENING = "0A";
  private static final int ADDRESS = 1;
  private static final int STATE = 3;
  private static final int SOCKET = 9;
  private static final int HEX = 16;
  private static final int MOST_TOLD = 3;

  /** How a proxy that serves was started; other commands of ours do not listen for clients. */
  private static final Pattern SERVING =
      Pattern.compile("(free-llm-proxy[^ ]*\\.jar|freellmproxy\\.Main)( serve( .*)?)? *$");

  private Processes() {}

  /** One that somebody has started. */
  record Running(String name, String number, Optional<Path> folder) {
    private static Running of(Path process) {
      return new Running(
          lines(process.resolve("comm")).stream().findFirst().orElse("a process"),
          process.getFileName().toString(),
          link(process.resolve("cwd")));
    }

    private long pid() {
      return Long.parseLong(number);
    }

    @Override
    public String toString() {
      return name + " (process " + number + ")";
    }
  }

  /** Which one listens at an address; empty when it is somebody else's, or this is no Linux. */
  static Optional<Running> at(InetSocketAddress place) {
    Set<String> sockets =
        listening()
            .filter(columns -> isInTheWay(columns[ADDRESS], place))
            .map(columns -> columns[SOCKET])
            .collect(Collectors.toSet());
    return sockets.isEmpty()
        ? Optional.empty()
        : all().filter(process -> holdsOne(process, sockets)).findFirst().map(Running::of);
  }

  /** Proxies of ours that serve somewhere on this machine, in a few words, the newest first. */
  static Optional<String> otherProxies() {
    String all =
        all()
            .filter(process -> SERVING.matcher(commandLine(process)).find())
            .map(Running::of)
            .sorted(Comparator.comparingLong(Running::pid).reversed())
            .limit(MOST_TOLD)
            .map(Processes::told)
            .collect(Collectors.joining("; "));
    return all.isEmpty() ? Optional.empty() : Optional.of(all);
  }

  private static String told(Running running) {
    Path process = Path.of("/proc", running.number());
    String port = ports(process).map(found -> " at port " + found).findFirst().orElse("");
    String folder = running.folder().map(found -> ", started in " + found).orElse("");
    return "one runs" + port + " as process " + running.number() + folder;
  }

  private static String commandLine(Path process) {
    try {
      return new String(Files.readAllBytes(process.resolve("cmdline")), UTF_8)
          .replace('\0', ' ')
          .strip();
    } catch (IOException hidden) {
      return "";
    }
  }

  private static Stream<Integer> ports(Path process) {
    return listening()
        .filter(columns -> holdsOne(process, Set.of(columns[SOCKET])))
        .map(columns -> columns[ADDRESS])
        .map(address -> Integer.parseInt(address.substring(address.indexOf(':') + 1), HEX))
        .distinct();
  }

  private static Stream<String[]> listening() {
    return Stream.of("/proc/net/tcp", "/proc/net/tcp6")
        .flatMap(table -> lines(Path.of(table)).stream())
        .map(line -> line.strip().split("\\s+"))
        .filter(columns -> columns.length > SOCKET && columns[STATE].equals(LISTENING));
  }

  private static Stream<Path> all() {
    return entries(Path.of("/proc")).stream()
        .filter(process -> process.getFileName().toString().matches("[0-9]+"));
  }

  /** Whether a socket at this local address, such as 0100007F:1F90, keeps others from a place. */
  private static boolean isInTheWay(String local, InetSocketAddress place) {
    String port = String.format(Locale.ROOT, ":%04X", place.getPort());
    String address = local.replace(port, "");
    return local.endsWith(port)
        && (place.getAddress().isAnyLocalAddress()
            || address.matches("0+")
            // The second table has those of IPv4 with a prefix.
            || address.endsWith(hex(place.getAddress())));
  }

  /** The kernel prints words as this machine reads them. */
  private static String hex(InetAddress address) {
    ByteBuffer words = ByteBuffer.wrap(address.getAddress()).order(ByteOrder.nativeOrder());
    var hex = new StringBuilder();
    while (words.hasRemaining()) {
      hex.append(String.format(Locale.ROOT, "%08X", words.getInt()));
    }
    return hex.toString();
  }

  private static boolean holdsOne(Path process, Set<String> sockets) {
    return entries(process.resolve("fd")).stream()
        .map(Processes::link)
        .flatMap(Optional::stream)
        .map(Path::toString)
        .filter(open -> open.startsWith("socket:["))
        .anyMatch(open -> sockets.contains(open.substring("socket:[".length(), open.length() - 1)));
  }

  private static Optional<Path> link(Path link) {
    try {
      return Optional.of(Files.readSymbolicLink(link));
    } catch (IOException hidden) {
      return Optional.empty();
    }
  }

  private static List<Path> entries(Path folder) {
    try (Stream<Path> all = Files.list(folder)) {
      return all.toList();
    } catch (IOException hidden) {
      return List.of();
    }
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException hidden) {
      return List.of();
    }
  }
}

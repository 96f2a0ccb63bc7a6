package freellmproxy.doctor;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which process listens at an address, as far as Linux lets us see (proc(5), /proc/net/tcp). */
final class PortOwner {
  private static final String LISTENING = "0A";

  private PortOwner() {}

  /** Its name and number; empty when it belongs to somebody else, or this is no Linux. */
  static Optional<String> of(InetSocketAddress place) {
    Set<String> sockets =
        Stream.of("/proc/net/tcp", "/proc/net/tcp6")
            .flatMap(table -> lines(Path.of(table)).stream())
            .map(line -> line.strip().split("\\s+"))
            .filter(columns -> columns.length > 9 && columns[3].equals(LISTENING))
            .filter(columns -> isInTheWay(columns[1], place))
            .map(columns -> "socket:[" + columns[9] + "]")
            .collect(Collectors.toSet());
    return sockets.isEmpty()
        ? Optional.empty()
        : entries(Path.of("/proc")).stream()
            .filter(process -> process.getFileName().toString().matches("[0-9]+"))
            .filter(process -> holdsOne(process, sockets))
            .findFirst()
            .map(process ->
                lines(process.resolve("comm")).stream().findFirst().orElse("a process")
                    + " (process "
                    + process.getFileName()
                    + ")");
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
        .anyMatch(fd -> {
          try {
            return sockets.contains(Files.readSymbolicLink(fd).toString());
          } catch (IOException gone) {
            return false;
          }
        });
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

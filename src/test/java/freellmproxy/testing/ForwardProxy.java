package freellmproxy.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import freellmproxy.sandbox.SandboxUpstream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A forward proxy that speaks HTTP and SOCKS5. Whatever host it is asked for, it leads to one port
 * of the loopback interface, so that names that do not exist can be tried.
 */
public final class ForwardProxy implements AutoCloseable {
  private static final Pattern AUTHORIZATION =
      Pattern.compile("(?i)proxy-authorization: Basic (\\S+)");

  private final ServerSocket server;
  private final int target;
  private final List<String> asked = new CopyOnWriteArrayList<>();
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final Set<Socket> swallowed = ConcurrentHashMap.newKeySet();
  private final CompletableFuture<Void> swallowedSome = new CompletableFuture<>();

  private ForwardProxy(ServerSocket server, int target) {
    this.server = server;
    this.target = target;
  }

  /** Starts one in front of a sandbox. */
  public static ForwardProxy to(SandboxUpstream sandbox) {
    return to(sandbox, InetAddress.getLoopbackAddress());
  }

  /** The same, at another address. */
  public static ForwardProxy to(SandboxUpstream sandbox, InetAddress at) {
    try {
      var proxy = new ForwardProxy(new ServerSocket(0, 50, at), sandbox.baseUrl().getPort());
      Thread.ofVirtual().start(proxy::accept);
      return proxy;
    } catch (IOException e) {
      throw new AssertionError("no port for the forward proxy", e);
    }
  }

  public int port() {
    return server.getLocalPort();
  }

  /** What it was asked for: the address, and the credentials where some were given. */
  public List<String> asked() {
    return List.copyOf(asked);
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket client = server.accept();
        sockets.add(client);
        Thread.ofVirtual().start(() -> serve(client));
      } catch (IOException closed) {
        return;
      }
    }
  }

  private void serve(Socket client) {
    try (client;
        var upstream = new Socket(InetAddress.getLoopbackAddress(), target)) {
      sockets.add(upstream);
      var in = new DataInputStream(client.getInputStream());
      int first = in.read();
      if (first == 5) {
        socks(client, in);
      } else {
        http(client, first, in, upstream);
      }
      Thread back = Thread.ofVirtual().start(() -> pump(upstream, client));
      pump(client, upstream);
      back.join();
    } catch (IOException gone) {
      // One side has closed.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void socks(Socket client, DataInputStream in) throws IOException {
    byte[] methods = in.readNBytes(in.read());
    String credentials = "";
    if (new String(methods, ISO_8859_1).indexOf(2) >= 0) {
      write(client, 5, 2);
      in.read();
      String user = new String(in.readNBytes(in.read()), UTF_8);
      credentials = " " + user + ":" + new String(in.readNBytes(in.read()), UTF_8);
      write(client, 1, 0);
    } else {
      write(client, 5, 0);
    }
    in.readNBytes(3);
    String host =
        switch (in.read()) {
          case 1 -> InetAddress.getByAddress(in.readNBytes(4)).getHostAddress();
          case 3 -> new String(in.readNBytes(in.read()), UTF_8);
          default -> InetAddress.getByAddress(in.readNBytes(16)).getHostAddress();
        };
    asked.add(host + ":" + in.readUnsignedShort() + credentials);
    write(client, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0);
  }

  private void http(Socket client, int first, InputStream in, Socket upstream) throws IOException {
    var head = new StringBuilder().append((char) first);
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("ended in its head");
      }
      head.append((char) next);
    }
    Matcher authorization = AUTHORIZATION.matcher(head);
    String credentials =
        authorization.find()
            ? " " + new String(Base64.getDecoder().decode(authorization.group(1)), UTF_8)
            : "";
    String address = head.substring(head.indexOf(" ") + 1, head.indexOf(" HTTP/1.1"));
    asked.add(address + credentials);
    if (head.indexOf("CONNECT ") == 0) {
      client.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(ISO_8859_1));
    } else {
      upstream.getOutputStream().write(head.toString().getBytes(ISO_8859_1));
    }
  }

  private static void write(Socket socket, int... bytes) throws IOException {
    byte[] all = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      all[i] = (byte) bytes[i];
    }
    socket.getOutputStream().write(all);
  }

  /** Swallows from now on what comes on the connections that stand, and keeps them open. */
  public void swallow() {
    swallowed.addAll(sockets);
  }

  /** Waits until something was swallowed. */
  public void awaitSwallowed() {
    swallowedSome.orTimeout(30, TimeUnit.SECONDS).join();
  }

  private void pump(Socket from, Socket to) {
    byte[] piece = new byte[8 << 10];
    try {
      InputStream in = from.getInputStream();
      for (int length = in.read(piece); length >= 0; length = in.read(piece)) {
        if (swallowed.contains(from)) {
          swallowedSome.complete(null);
        } else {
          to.getOutputStream().write(piece, 0, length);
        }
      }
      to.shutdownOutput();
    } catch (IOException gone) {
      closeQuietly(from);
      closeQuietly(to);
    }
  }

  private static void closeQuietly(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    sockets.forEach(ForwardProxy::closeQuietly);
  }
}

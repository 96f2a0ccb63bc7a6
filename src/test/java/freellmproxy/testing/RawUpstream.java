package freellmproxy.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** An upstream of plain sockets, on which the test itself reads and writes HTTP/1.1. */
public final class RawUpstream implements AutoCloseable {
  private static final int PATIENCE_MILLIS = 20_000;
  private static final int BACKLOG = 10;

  private final ServerSocket server;

  private RawUpstream(ServerSocket server) throws IOException {
    this.server = server;
    server.setSoTimeout(PATIENCE_MILLIS);
  }

  /** Without TLS. */
  public static RawUpstream start() throws IOException {
    return new RawUpstream(new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress()));
  }

  /** Without TLS, at another address and, where it is not 0, this port. */
  public static RawUpstream at(String address, int port) throws IOException {
    return new RawUpstream(new ServerSocket(port, BACKLOG, InetAddress.getByName(address)));
  }

  /** With TLS, which does not offer HTTP/2. */
  public static RawUpstream start(TestCertificate certificate)
      throws IOException, GeneralSecurityException {
    return at("127.0.0.1", 0, certificate);
  }

  /** The same at another address and, where it is not 0, this port. */
  public static RawUpstream at(String address, int port, TestCertificate certificate)
      throws IOException, GeneralSecurityException {
    char[] password = certificate.key().getPassword().toCharArray();
    KeyStore store = KeyStore.getInstance(Path.of(certificate.key().getPath()).toFile(), password);
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password);
    var tls = SSLContext.getInstance("TLS");
    tls.init(keys.getKeyManagers(), null, null);
    return new RawUpstream(
        tls.getServerSocketFactory()
            .createServerSocket(port, BACKLOG, InetAddress.getByName(address)));
  }

  public int port() {
    return server.getLocalPort();
  }

  /** Where calls go to. */
  public String url(String scheme) {
    return scheme + "://127.0.0.1:" + server.getLocalPort() + "/v1";
  }

  /** The next connection that comes. */
  public Socket accept() throws IOException {
    Socket connection = server.accept();
    connection.setSoTimeout(PATIENCE_MILLIS);
    return connection;
  }

  /** Reads to the end of the next {@link TestProxy#CHAT}. */
  public static void readChat(Socket connection) throws IOException {
    var read = new StringBuilder();
    while (read.indexOf(TestProxy.CHAT) < 0) {
      int next = connection.getInputStream().read();
      assertThat(next).as("end after %s", read).isNotNegative();
      read.append((char) next);
    }
  }

  /** Writes a whole answer. */
  public static void answer(Socket connection) throws IOException {
    write(
        connection,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  }

  /** Writes a text as it is. */
  public static void write(Socket connection, String text) throws IOException {
    connection.getOutputStream().write(text.getBytes(UTF_8));
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}

package freellmproxy.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;

/** A plain TCP connection to the proxy, for what no HTTP client would send. */
public final class RawConnection implements AutoCloseable {
  private final Socket socket;

  private RawConnection(Socket socket) {
    this.socket = socket;
  }

  public static RawConnection to(int port) throws IOException {
    var socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(20_000);
    return new RawConnection(socket);
  }

  /** One for which the kernel takes little that is not read. */
  public static RawConnection thatTakesLittle(int port) throws IOException {
    var socket = new Socket();
    socket.setReceiveBufferSize(4 << 10);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    socket.setSoTimeout(20_000);
    return new RawConnection(socket);
  }

  /** Sends a text as it is. */
  public RawConnection send(String text) throws IOException {
    return send(text.getBytes(ISO_8859_1));
  }

  public RawConnection send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
    return this;
  }

  /** A chat request head for a body of this length, with more header lines. */
  public static String chatHead(long length, String... headers) {
    var head =
        new StringBuilder("POST /v1/chat/completions HTTP/1.1\r\nHost: test\r\n")
            .append("Authorization: Bearer " + TestProxy.KEY + "\r\n")
            .append("Content-Length: " + length + "\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    return head.append("\r\n").toString();
  }

  /** Sends a whole chat request. */
  public RawConnection chat(String body, String... headers) throws IOException {
    return send(chatHead(body.length(), headers) + body);
  }

  /** Reads until this text has come; what came, even when the connection ends before. */
  public String readUntil(String text) throws IOException {
    var read = new ByteArrayOutputStream();
    InputStream in = socket.getInputStream();
    while (!read.toString(ISO_8859_1).contains(text)) {
      int next = in.read();
      if (next < 0) {
        break;
      }
      read.write(next);
    }
    return read.toString(ISO_8859_1);
  }

  /** Reads to the end of the connection, however it ends. */
  public String readAll() throws IOException {
    var read = new ByteArrayOutputStream();
    try {
      socket.getInputStream().transferTo(read);
    } catch (SocketException reset) {
      read.write("<reset>".getBytes(ISO_8859_1));
    }
    return read.toString(ISO_8859_1);
  }

  /** Reads what is there; whether the other side has closed. */
  public boolean isClosedByPeer() throws IOException {
    byte[] buffer = new byte[1 << 10];
    try {
      int read = 0;
      while (read >= 0) {
        read = socket.getInputStream().read(buffer);
      }
      return true;
    } catch (SocketTimeoutException nothingCame) {
      return false;
    } catch (SocketException reset) {
      return true;
    }
  }

  /** Sends on until the other side has closed both directions, for some seconds at most. */
  public boolean takesNoMore() {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    try {
      while (System.nanoTime() < end) {
        send("x");
        Thread.onSpinWait();
      }
      return false;
    } catch (IOException reset) {
      return true;
    }
  }

  public Socket socket() {
    return socket;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}

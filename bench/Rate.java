import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Requests at a fixed rate, on loopback only and bounded in count and time, for one URL after the
 * other: {@code BODY_FILE REQUESTS_PER_SECOND TURNS WINDOWS URL...}. A turn is a second for each
 * URL, so that all of them meet whatever else the machine does. Prints a line of {@code name value}
 * pairs for each of the windows of a second.
 *
 * <p>An open loop: a slow answer does not hold back the requests behind it. One thread does it all
 * and no more than it must, for what the loader costs is in every latency that it sees.
 */
final class Rate {
  /** As many as the load at full speed has; each is used in its turn. */
  private static final int CONNECTIONS = 64;

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final long PATIENCE_SECONDS = 60;
  private static final EventLoop LOOP =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory()).next();

  private Rate() {}

  public static void main(String[] args) throws Exception {
    byte[] body = Files.readAllBytes(Path.of(args[0]));
    int perSecond = Integer.parseInt(args[1]);
    int turns = Integer.parseInt(args[2]);
    int windows = Integer.parseInt(args[3]);
    var targets = new ArrayList<Target>();
    for (String url : List.of(args).subList(4, args.length)) {
      targets.add(new Target(URI.create(url), body));
    }
    for (int turn = 0; turn < turns; turn++) {
      for (int target = 0; target < targets.size(); target++) {
        var second = new Second(targets.get(target), perSecond, windows);
        LOOP.execute(second);
        if (!second.over.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
          System.err.println("answers missing from target " + target);
          System.exit(1);
        }
        second.print(target);
      }
    }
    // The event loop would go on.
    System.exit(0);
  }

  /** Where to send, with the connections that nothing is under way on. */
  private static final class Target {
    private final ByteBuf request;
    private final Queue<Connection> free = new ArrayDeque<>();

    Target(URI url, byte[] body) throws InterruptedException {
      String head =
          """
          POST %s HTTP/1.1
          Host: %s
          Authorization: Bearer bench-proxy-key-1234567890
          Content-Type: application/json
          Content-Length: %d

          """
              .formatted(url.getPath(), url.getAuthority(), body.length)
              .replace("\n", "\r\n");
      request =
          Unpooled.directBuffer()
              .writeBytes(head.getBytes(StandardCharsets.US_ASCII))
              .writeBytes(body);
      for (int i = 0; i < CONNECTIONS; i++) {
        var connection = new Connection(this);
        new Bootstrap()
            .group(LOOP)
            .channel(EpollSocketChannel.class)
            .option(ChannelOption.TCP_NODELAY, true)
            .handler(new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new HttpResponseDecoder(), connection);
              }
            })
            .connect(url.getHost(), url.getPort())
            .sync();
        free.add(connection);
      }
    }
  }

  /** A connection with at most one request under way; on the event loop. */
  private static final class Connection extends SimpleChannelInboundHandler<HttpObject> {
    private final Target target;
    private Channel channel;
    private Second second;
    private int request;
    private int status;

    Connection(Target target) {
      this.target = target;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
      channel = context.channel();
    }

    void send(Second asking, int number) {
      second = asking;
      request = number;
      channel.writeAndFlush(target.request.retainedDuplicate(), channel.voidPromise());
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
      if (part instanceof HttpResponse head) {
        status = head.status().code();
      }
      if (part instanceof LastHttpContent) {
        Second asked = second;
        second = null;
        target.free.add(this);
        asked.answered(request, status);
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      target.free.remove(this);
      if (second != null) {
        second.answered(request, 0);
      }
    }
  }

  /** A second's requests for one target, and what came of them; on the event loop. */
  private static final class Second implements Runnable {
    private final CountDownLatch over = new CountDownLatch(1);
    private final Target target;
    private final long[] began;
    private final long[] nanos;
    private final int[] failures;
    private long start;
    private int sent;
    private int answered;
    private boolean waits;

    Second(Target target, int count, int windows) {
      this.target = target;
      failures = new int[windows];
      began = new long[count];
      nanos = new long[count];
    }

    /** Sends what is due, and comes back when the next one is or when a connection is free. */
    @Override
    public void run() {
      if (start == 0) {
        start = System.nanoTime();
      }
      while (sent < nanos.length) {
        long due = start + sent * SECOND / nanos.length;
        long now = System.nanoTime();
        if (now < due) {
          waits = false;
          LOOP.schedule(this, due - now, TimeUnit.NANOSECONDS);
          return;
        }
        Connection connection = target.free.poll();
        if (connection == null) {
          waits = true;
          return;
        }
        // That this thread is late is nobody's latency; that no connection is free is the target's.
        began[sent] = waits ? due : now;
        connection.send(this, sent++);
      }
    }

    void answered(int request, int status) {
      nanos[request] = System.nanoTime() - began[request];
      if (status != 200) {
        failures[request * failures.length / nanos.length]++;
      }
      if (++answered == nanos.length) {
        over.countDown();
      } else if (waits) {
        run();
      }
    }

    void print(int number) {
      int size = nanos.length / failures.length;
      for (int window = 0; window < failures.length; window++) {
        long[] sorted = Arrays.copyOfRange(nanos, window * size, (window + 1) * size);
        Arrays.sort(sorted);
        System.out.printf(
            "target %d p50_us %d p95_us %d p99_us %d failures %d%n",
            number,
            sorted[size / 2] / 1000,
            sorted[size * 95 / 100] / 1000,
            sorted[size * 99 / 100] / 1000,
            failures[window]);
      }
    }
  }
}

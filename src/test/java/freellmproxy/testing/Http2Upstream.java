package freellmproxy.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;

/** An upstream of HTTP/2 over TLS, on which the test itself reads and writes frames. */
public final class Http2Upstream implements AutoCloseable {
  static final int PATIENCE_SECONDS = 20;

  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final BlockingQueue<Http2Peer> accepted = new LinkedBlockingQueue<>();
  private final Channel server;

  private Http2Upstream(SslContext tls, Http2Settings settings) {
    this.server =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel connection) {
                    var codec =
                        Http2FrameCodecBuilder.forServer()
                            .initialSettings(settings)
                            .autoAckPingFrame(false)
                            .build();
                    var peer = new Http2Peer(connection, codec);
                    connection.pipeline().addLast(tls.newHandler(connection.alloc()), codec, peer);
                    accepted.add(peer);
                  }
                })
            .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .syncUninterruptibly()
            .channel();
  }

  /** Starts one that begins each connection with these settings. */
  public static Http2Upstream start(TestCertificate certificate, Http2Settings settings) {
    try {
      return new Http2Upstream(tls(certificate), settings);
    } catch (IOException | GeneralSecurityException e) {
      throw new AssertionError("no server with this certificate", e);
    }
  }

  private static SslContext tls(TestCertificate certificate)
      throws IOException, GeneralSecurityException {
    char[] password = certificate.key().getPassword().toCharArray();
    KeyStore store = KeyStore.getInstance(Path.of(certificate.key().getPath()).toFile(), password);
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, password);
    return SslContextBuilder.forServer(keys)
        .sslProvider(SslProvider.JDK)
        .applicationProtocolConfig(
            new ApplicationProtocolConfig(
                ApplicationProtocolConfig.Protocol.ALPN,
                ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                ApplicationProtocolNames.HTTP_2))
        .build();
  }

  /** Where calls go to. */
  public String url() {
    return "https://127.0.0.1:" + ((InetSocketAddress) server.localAddress()).getPort() + "/v1";
  }

  /** The next connection that comes. */
  public Http2Peer accept() throws InterruptedException {
    Http2Peer next = accepted.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    assertThat(next).as("a connection").isNotNull();
    return next;
  }

  /** Whether a connection has come that nobody has accepted. */
  public boolean hasMore() {
    return !accepted.isEmpty();
  }

  @Override
  public void close() {
    loops.shutdownGracefully(0, PATIENCE_SECONDS, TimeUnit.SECONDS).syncUninterruptibly();
  }
}

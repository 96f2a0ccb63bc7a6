package freellmproxy.sandbox;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.SslHandler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.impl.HttpServerConnection;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;

/** Carries out the steps of one answer on its event loop, as fast as the caller reads. */
final class BehaviourPlayer {
  // Error codes of RFC 9113 section 7.
  private static final long H2_INTERNAL_ERROR = 0x2;
  private static final long H2_CANCEL = 0x8;

  private final Vertx vertx;
  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final Iterator<Step> steps;

  private BehaviourPlayer(Vertx vertx, HttpServerRequest request, List<Step> steps) {
    this.vertx = vertx;
    this.request = request;
    this.response = request.response();
    this.steps = steps.iterator();
  }

  static void play(Vertx vertx, HttpServerRequest request, List<Step> steps) {
    if (isWholeAnswer(steps)) {
      // Most of the load: sent at once, with a length.
      var head = (Step.Head) steps.get(0);
      head.headers().forEach(request.response()::putHeader);
      request
          .response()
          .setStatusCode(head.status())
          .end(Buffer.buffer(((Step.Write) steps.get(1)).bytes()));
    } else {
      new BehaviourPlayer(vertx, request, steps).run();
    }
  }

  private static boolean isWholeAnswer(List<Step> steps) {
    return steps.size() == 3
        && steps.get(0) instanceof Step.Head
        && steps.get(1) instanceof Step.Write
        && steps.get(2) instanceof Step.End;
  }

  private void run() {
    while (steps.hasNext() && !response.closed() && !response.ended()) {
      if (response.writeQueueFull()) {
        response.drainHandler(drained -> run());
        return;
      }
      switch (steps.next()) {
        case Step.Head head -> {
          head.headers().forEach(response::putHeader);
          response
              .setStatusCode(head.status())
              .setChunked(!head.headers().containsKey("content-length"));
          response.writeHead();
        }
        case Step.Write write -> response.write(Buffer.buffer(write.bytes()));
        case Step.Raw raw -> writeRaw(raw.bytes());
        case Step.Pause pause -> {
          vertx.setTimer(Math.max(1, pause.duration().toMillis()), over -> run());
          return;
        }
        case Step.Hold hold -> {
          var context = vertx.getOrCreateContext();
          hold.gate().pass().onSuccess(open -> context.runOnContext(go -> run()));
          return;
        }
        case Step.End end -> response.end();
        case Step.Fin fin -> close();
        case Step.Reset reset -> reset();
        case Step.Drop drop -> {
          // Enters the pipeline below all protocols.
          var _ = channel().pipeline().firstContext().close();
        }
        case Step.Stall stall -> {
          return;
        }
        case Step.Repeat repeat -> {
          repeat(repeat.bytes(), repeat.every());
          return;
        }
      }
    }
  }

  private void repeat(byte[] bytes, Duration every) {
    if (!response.closed()) {
      if (!response.writeQueueFull()) {
        response.write(Buffer.buffer(bytes));
      }
      vertx.setTimer(Math.max(1, every.toMillis()), over -> repeat(bytes, every));
    }
  }

  /** Enters the pipeline below the HTTP codec. Those of TLS are its first handlers. */
  private void writeRaw(byte[] bytes) {
    ChannelPipeline pipeline = channel().pipeline();
    Iterator<String> names = pipeline.names().iterator();
    String name = names.next();
    if (pipeline.get(SslHandler.class) != null) {
      while (!(pipeline.get(name) instanceof SslHandler)) {
        name = names.next();
      }
      name = names.next();
    }
    var _ = pipeline.context(name).writeAndFlush(Unpooled.wrappedBuffer(bytes));
  }

  private void close() {
    if (request.version() == HttpVersion.HTTP_2) {
      response.reset(H2_INTERNAL_ERROR);
    } else {
      var _ = channel().close();
    }
  }

  private void reset() {
    if (request.version() == HttpVersion.HTTP_2) {
      response.reset(H2_CANCEL);
    } else {
      channel().config().setOption(ChannelOption.SO_LINGER, 0);
      close();
    }
  }

  private Channel channel() {
    return ((HttpServerConnection) request.connection()).channelHandlerContext().channel();
  }
}

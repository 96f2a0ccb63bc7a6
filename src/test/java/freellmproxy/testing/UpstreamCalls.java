package freellmproxy.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import freellmproxy.config.LiveSettings;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.time.Time;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.AnswerMemory;
import freellmproxy.upstream.Pooling;
import freellmproxy.upstream.UpstreamCall;
import freellmproxy.upstream.UpstreamClient;
import freellmproxy.upstream.UpstreamReply;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Calls to an upstream from one event loop, without the rest of the proxy. */
public final class UpstreamCalls {
  private final Context loop;

  @SuppressWarnings("NullAway.Init")
  private UpstreamClient client;

  private UpstreamCalls(Context loop) {
    this.loop = loop;
  }

  /** To the upstream at this address, from an event loop that is closed with Vert.x. */
  public static UpstreamCalls to(String url, Vertx vertx, Time time) {
    return with(vertx, time, "UPSTREAM_BASE_URL", url, "UPSTREAM_HTTP", "2");
  }

  /** The same, trusting this certificate. */
  public static UpstreamCalls to(String url, Vertx vertx, Time time, TestCertificate trusted) {
    String pem = trusted.pem().toString();
    return with(vertx, time, "UPSTREAM_BASE_URL", url, "UPSTREAM_HTTP", "2", "SSL_CERT_FILE", pem);
  }

  private static UpstreamCalls with(Vertx vertx, Time time, String... more) {
    SandboxUpstream list =
        TestProxy.await(SandboxUpstream.start(vertx, SandboxUpstream.Options.FOR_TESTS));
    LiveSettings settings = TestProxy.liveSettings(list, more);
    var calls = new UpstreamCalls(vertx.getOrCreateContext());
    calls.inLoop(() ->
        calls.client = new UpstreamClient(vertx, settings, AnswerMemory.ofThisProcess(), time));
    return calls;
  }

  /** Runs a task on the event loop, behind those that wait already. */
  public void inLoop(Runnable task) {
    loop.runOnContext(go -> task.run());
  }

  /** Sends {@link TestProxy#CHAT} from the event loop; its answer, or its failure. */
  public Future<UpstreamReply> chat() {
    return chat(TestProxy.CHAT);
  }

  /** Sends a body from the event loop; its answer, or its failure. */
  public Future<UpstreamReply> chat(String body) {
    Promise<UpstreamReply> end = Promise.promise();
    inLoop(() -> chat(body, AnswerForm.WHOLE, end(end)));
    return end.future();
  }

  /** Sends {@link TestProxy#CHAT} now, which must be on the event loop. */
  public UpstreamCall chat(AnswerForm form, Consumer<UpstreamReply> listener) {
    return chat(TestProxy.CHAT, form, listener);
  }

  private UpstreamCall chat(String body, AnswerForm form, Consumer<UpstreamReply> listener) {
    return chat(() -> Unpooled.copiedBuffer(body, UTF_8), form, listener);
  }

  /** Sends a body now, which must be on the event loop. */
  public UpstreamCall chat(
      Supplier<ByteBuf> body, AnswerForm form, Consumer<UpstreamReply> listener) {
    UpstreamCall call = client.call(body, form, listener);
    call.start(Pooling.REUSE);
    return call;
  }

  /** Closes the client, behind what the event loop has been told. */
  public void close() {
    inLoop(() -> client.close());
  }

  /** Takes the last step of a call that is answered whole. */
  public static Consumer<UpstreamReply> end(Promise<UpstreamReply> end) {
    return step -> {
      if (step instanceof UpstreamReply.Answer || step instanceof UpstreamReply.Failure) {
        end.complete(step);
      }
    };
  }
}

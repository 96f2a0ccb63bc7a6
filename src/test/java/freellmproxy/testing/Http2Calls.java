package freellmproxy.testing;

import freellmproxy.ProxyVertx;
import freellmproxy.upstream.AnswerForm;
import freellmproxy.upstream.UpstreamCall;
import freellmproxy.upstream.UpstreamReply;
import io.netty.handler.codec.http2.Http2Settings;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/** Calls from one event loop to an {@link Http2Upstream}, in a time of the test's own. */
public final class Http2Calls implements AutoCloseable {
  private final Vertx vertx = ProxyVertx.create();
  private final FakeTime time = new FakeTime();
  private final Http2Upstream upstream;
  private final UpstreamCalls calls;

  private Http2Calls(Http2Settings settings) {
    this.upstream = Http2Upstream.start(Road.certificate(), settings);
    this.calls = UpstreamCalls.to(upstream.url(), vertx, time, Road.certificate());
  }

  /** To one that begins with these settings. */
  public static Http2Calls with(Http2Settings settings) {
    return new Http2Calls(settings);
  }

  /** To one with the common settings. */
  public static Http2Calls start() {
    return with(Http2Settings.defaultSettings());
  }

  public FakeTime time() {
    return time;
  }

  public Http2Upstream upstream() {
    return upstream;
  }

  public UpstreamCalls calls() {
    return calls;
  }

  /** Begins a streamed call. */
  public Streamed stream() {
    var streamed = new Streamed();
    calls.inLoop(() -> streamed.call.set(calls.chat(AnswerForm.STREAM, streamed::take)));
    return streamed;
  }

  /** A streamed call, and what it was told. */
  public final class Streamed {
    private final List<UpstreamReply> told = new ArrayList<>();
    private final AtomicReference<UpstreamCall> call = new AtomicReference<>();
    private final Promise<UpstreamReply> first = Promise.promise();
    private final Promise<UpstreamReply> last = Promise.promise();
    private boolean pauses;

    /** Has it pause at its first event. Called before that is sent. */
    public Streamed pausing() {
      calls.inLoop(() -> pauses = true);
      return this;
    }

    private void take(UpstreamReply step) {
      told.add(step);
      switch (step) {
        case UpstreamReply.Event event when first.tryComplete(event) -> {
          if (pauses) {
            call.get().pause();
          }
        }
        case UpstreamReply.StreamEnd end -> last.complete(end);
        case UpstreamReply.Failure failure -> last.complete(failure);
        default -> {}
      }
    }

    /** Waits for its first event. */
    public void awaitFirst() {
      TestProxy.await(first.future());
    }

    /** Reads on. */
    public void resume() {
      calls.inLoop(() -> call.get().resume());
    }

    /** Gives it up. */
    public void abort() {
      calls.inLoop(() -> call.get().abort());
    }

    /** Its end, or its failure. */
    public UpstreamReply last() {
      return TestProxy.await(last.future());
    }

    /** What the model has said so far. */
    public String content() {
      Promise<String> content = Promise.promise();
      calls.inLoop(() -> {
        var said = new StringBuilder();
        for (UpstreamReply step : told) {
          if (step instanceof UpstreamReply.Event event) {
            said.append(event.chunk().content());
          }
        }
        content.complete(said.toString());
      });
      return TestProxy.await(content.future());
    }
  }

  /** Sends a chat that is answered whole; its answer, or its failure. */
  public Future<UpstreamReply> chat() {
    return calls.chat();
  }

  @Override
  public void close() {
    TestProxy.await(vertx.close());
    upstream.close();
  }
}

package freellmproxy.doctor;

import freellmproxy.testing.TestProxy;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.KeyCertOptions;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A server that says what it was told to say at each path, and 404 at all others. */
final class FakeHost {
  /** What is said where nothing else was told. */
  private static final String OTHERWISE = "*";

  private final HttpServer server;
  private final boolean isTls;
  private final Map<String, Reply> replies = new ConcurrentHashMap<>();

  /** One answer; with status 0 none ever comes. */
  private record Reply(int status, Map<String, String> headers, String body) {}

  private FakeHost(Vertx vertx, @Nullable KeyCertOptions certificate) {
    this.isTls = certificate != null;
    var options = new HttpServerOptions();
    if (certificate != null) {
      options.setSsl(true).setKeyCertOptions(certificate);
    }
    this.server = vertx.createHttpServer(options).requestHandler(this::answer);
    otherwise(404, Map.of(), "{\"error\":{\"message\":\"nothing here\",\"code\":404}}");
  }

  static FakeHost start(Vertx vertx) {
    return started(new FakeHost(vertx, null));
  }

  static FakeHost start(Vertx vertx, KeyCertOptions certificate) {
    return started(new FakeHost(vertx, certificate));
  }

  private static FakeHost started(FakeHost host) {
    TestProxy.await(host.server.listen(0, "127.0.0.1"));
    return host;
  }

  private void answer(HttpServerRequest request) {
    Reply reply = replies.getOrDefault(String.valueOf(request.path()), replies.get(OTHERWISE));
    if (reply != null && reply.status() != 0) {
      request.response().setStatusCode(reply.status());
      reply.headers().forEach(request.response()::putHeader);
      request.response().end(reply.body());
    }
  }

  FakeHost at(String path, int status, Map<String, String> headers, String body) {
    replies.put(path, new Reply(status, headers, body));
    return this;
  }

  FakeHost at(String path, int status, String json) {
    return at(path, status, Map.of("content-type", "application/json"), json);
  }

  FakeHost otherwise(int status, Map<String, String> headers, String body) {
    replies.clear();
    return at(OTHERWISE, status, headers, body);
  }

  int port() {
    return server.actualPort();
  }

  String url(String path) {
    return (isTls ? "https" : "http") + "://127.0.0.1:" + port() + path;
  }
}

package freellmproxy.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.catalog.CatalogFeed;
import freellmproxy.catalog.CatalogParser;
import freellmproxy.config.Settings;
import freellmproxy.config.Settings.Egress;
import freellmproxy.egress.OutboundRequests;
import freellmproxy.egress.OutboundRequests.Compression;
import freellmproxy.time.Time;
import freellmproxy.time.VertxTime;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Asks one address once and waits for the answer, the way the proxy itself would get there. */
final class Probe {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final long TIMEOUT_SECONDS = 15;

  private final Vertx vertx;
  private final Time time;

  Probe(Vertx vertx) {
    this.vertx = vertx;
    this.time = new VertxTime(vertx);
  }

  /** What came back. */
  sealed interface Result {
    /** In a few words. */
    String said();

    /** An answer, whatever its status. */
    record Answered(int status, byte[] body) implements Result {
      @Override
      public String said() {
        return "it answered " + status;
      }

      /** The body; a missing node when it is no JSON. */
      JsonNode json() {
        try {
          return JSON.readTree(body);
        } catch (IOException e) {
          return JSON.missingNode();
        }
      }
    }

    /** None. */
    record Silent(String reason) implements Result {
      @Override
      public String said() {
        return reason;
      }
    }
  }

  /** Blocks for up to a quarter of a minute; not for event loops. */
  Result get(URI url, Egress egress, @Nullable String key) {
    return ask(HttpMethod.GET, url, egress, key, Buffer.buffer());
  }

  Result post(URI url, Egress egress, String key, String json) {
    return ask(HttpMethod.POST, url, egress, key, Buffer.buffer(json));
  }

  /** Reads the list; blocks like {@link #get}. */
  CatalogParser.Result list(Settings settings) {
    Settings.ModelList list = settings.modelList();
    OutboundRequests requests = requests(list.url(), list.egress(), Compression.KEPT);
    var parser = new CatalogParser(settings.upstream()::allows);
    var feed = new CatalogFeed(vertx, requests, list, parser, time);
    Promise<CatalogParser.Result> result = Promise.promise();
    vertx.runOnContext(now -> feed.fetch().onComplete(result));
    try {
      return result.future().toCompletionStage().toCompletableFuture().join();
    } finally {
      requests.close();
    }
  }

  private Result ask(HttpMethod method, URI url, Egress egress, @Nullable String key, Buffer body) {
    var options =
        new RequestOptions()
            .setMethod(method)
            .setAbsoluteURI(url.toString())
            .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
            .putHeader(HttpHeaders.USER_AGENT, "free-llm-proxy");
    if (key != null) {
      options.putHeader(HttpHeaders.AUTHORIZATION, "Bearer " + key);
    }
    OutboundRequests requests = requests(url, egress, Compression.REMOVED);
    Promise<Result> result = Promise.promise();
    vertx.runOnContext(now -> ask(requests, options, body).onComplete(result));
    try {
      return result
          .future()
          .toCompletionStage()
          .toCompletableFuture()
          .orTimeout(TIMEOUT_SECONDS, TimeUnit.SECONDS)
          .join();
    } catch (CompletionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      return new Result.Silent(cause.getClass().getSimpleName() + ": " + cause.getMessage());
    } finally {
      requests.close();
    }
  }

  private static Future<Result> ask(
      OutboundRequests requests, RequestOptions options, Buffer body) {
    return requests
        .request(options)
        .compose(request -> request.send(body))
        .compose(answer ->
            answer.body().map(all -> new Result.Answered(answer.statusCode(), all.getBytes())));
  }

  private OutboundRequests requests(URI url, Egress egress, Compression compression) {
    return new OutboundRequests(vertx, url, egress, CONNECT, compression, time);
  }
}

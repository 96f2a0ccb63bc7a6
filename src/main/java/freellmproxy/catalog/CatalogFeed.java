package freellmproxy.catalog;

import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.net.URI;
import java.time.Duration;

/** Fetches the list once. Must be called on one event loop; the answer is parsed off it. */
public final class CatalogFeed {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final int MAX_BYTES = 16 << 20;

  private final Vertx vertx;
  private final HttpClient client;
  private final URI url;
  private final CatalogParser parser;
  private final Time time;

  public CatalogFeed(Vertx vertx, HttpClient client, URI url, CatalogParser parser, Time time) {
    this.vertx = vertx;
    this.client = client;
    this.url = url;
    this.parser = parser;
    this.time = time;
  }

  /** Reads the list. The future never fails: what went wrong is a value. */
  public Future<CatalogParser.Result> fetch() {
    return new Fetch().run();
  }

  private static CatalogParser.Result failed(FetchFailure.Type type, String error) {
    return new CatalogParser.Result.Unusable(new FetchFailure(type, error));
  }

  /** One fetch under way. */
  private final class Fetch {
    private final Promise<CatalogParser.Result> result = Promise.promise();
    private final Buffer body = Buffer.buffer();
    private final Timer limit =
        time.after(
            TIMEOUT,
            () ->
                end(
                    failed(
                        FetchFailure.Type.TIMEOUT,
                        "no answer within " + TIMEOUT.toSeconds() + " s")));
    private Runnable abort = () -> {};

    Future<CatalogParser.Result> run() {
      client
          .request(
              new RequestOptions()
                  .setMethod(HttpMethod.GET)
                  .setAbsoluteURI(url.toString())
                  .setFollowRedirects(true)
                  .putHeader(HttpHeaders.ACCEPT, "application/json")
                  .putHeader(HttpHeaders.USER_AGENT, "free-llm-proxy"))
          .compose(this::send)
          .onComplete(this::read, this::networkFailed);
      return result.future();
    }

    private Future<HttpClientResponse> send(HttpClientRequest request) {
      abort = request::reset;
      return request.send();
    }

    private void read(HttpClientResponse response) {
      response.exceptionHandler(this::networkFailed);
      response.handler(this::append);
      response.endHandler(end -> {
        // The connection may be carrying the next reading when this one is told.
        abort = () -> {};
        if (response.statusCode() == 200) {
          parse();
        } else {
          end(failed(FetchFailure.Type.STATUS, "the server answered " + response.statusCode()));
        }
      });
    }

    private void append(Buffer chunk) {
      body.appendBuffer(chunk);
      if (body.length() > MAX_BYTES) {
        end(
            failed(
                FetchFailure.Type.TOO_LARGE,
                "the answer is larger than " + (MAX_BYTES >> 20) + " MB"));
      }
    }

    private void parse() {
      vertx
          .executeBlocking(() -> parser.parse(body.getBytes()))
          .onComplete(
              this::end,
              bug -> end(failed(FetchFailure.Type.INTERNAL, "the parser failed: " + bug)));
    }

    private void networkFailed(Throwable cause) {
      end(
          failed(
              FetchFailure.Type.NETWORK,
              cause.getClass().getSimpleName() + ": " + cause.getMessage()));
    }

    private void end(CatalogParser.Result outcome) {
      limit.cancel();
      if (result.tryComplete(outcome)) {
        abort.run();
      }
    }
  }
}

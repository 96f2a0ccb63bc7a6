package freellmproxy.catalog;

import static freellmproxy.catalog.CatalogParser.Result.unusable;

import freellmproxy.api.OwnFault;
import freellmproxy.config.Setting;
import freellmproxy.config.Settings;
import freellmproxy.egress.Destination;
import freellmproxy.egress.OutboundRequests;
import freellmproxy.time.Time;
import freellmproxy.time.Time.Timer;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches the list once, within 10 s for all of it. Must be called on one event loop; the answer is
 * parsed off it. The requests must keep compression: it would be taken off without a limit.
 */
public final class CatalogFeed {
  private static final Logger LOG = LoggerFactory.getLogger(CatalogFeed.class);
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final Vertx vertx;
  private final OutboundRequests requests;
  private final URI url;
  private final Destination destination;
  private final Destination redirected;
  private final CatalogParser parser;
  private final Time time;

  public CatalogFeed(
      Vertx vertx,
      OutboundRequests requests,
      Settings.ModelList list,
      CatalogParser parser,
      Time time) {
    this.vertx = vertx;
    this.requests = requests;
    this.url = list.url();
    this.destination = new Destination(url, list.egress(), Setting.MODELS_LIST_URL);
    this.redirected = Destination.redirected(list.egress(), Setting.MODELS_LIST_URL);
    this.parser = parser;
    this.time = time;
  }

  /** Reads the list. The future never fails: what went wrong is a value. */
  public Future<CatalogParser.Result> fetch() {
    return new Fetch().run();
  }

  private static CatalogParser.Result tooLarge() {
    return unusable(
        FetchFailure.Type.TOO_LARGE,
        "the answer is larger than " + (ListBody.MOST_BYTES >> 20) + " MB");
  }

  /** One fetch under way, with all its redirects. */
  private final class Fetch {
    private final Promise<CatalogParser.Result> result = Promise.promise();
    private final ListBody body = new ListBody();
    private final Timer limit =
        time.after(
            TIMEOUT,
            () ->
                end(
                    unusable(
                        FetchFailure.Type.TIMEOUT,
                        "no answer within " + TIMEOUT.toSeconds() + " s")));
    private Redirects redirects = Redirects.from(url);
    private Runnable abort = () -> {};
    private boolean wasSentAgain;

    Future<CatalogParser.Result> run() {
      ask();
      return result.future();
    }

    /** Says nothing about where it was sent from: that address may have a key in it. */
    private void ask() {
      requests
          .request(
              new RequestOptions()
                  .setMethod(HttpMethod.GET)
                  .setAbsoluteURI(redirects.url().toString())
                  .putHeader(HttpHeaders.ACCEPT, "application/json")
                  .putHeader(HttpHeaders.ACCEPT_ENCODING, "gzip")
                  .putHeader(HttpHeaders.USER_AGENT, "free-llm-proxy"))
          .onComplete(this::send, this::networkFailed);
    }

    private void send(HttpClientRequest request) {
      abort = request::reset;
      if (result.future().isComplete()) {
        // Its time was over before the connection stood.
        abort.run();
      }
      request.send().onComplete(this::read, this::lostWithoutAnswer);
    }

    /**
     * An idle connection that the server was closing says nothing about the list (as with chats,
     * docs/decisions/0016). To ask again does no harm: nothing is changed by it, and it is once.
     */
    private void lostWithoutAnswer(Throwable cause) {
      if (wasSentAgain || result.future().isComplete()) {
        networkFailed(cause);
      } else {
        wasSentAgain = true;
        ask();
      }
    }

    private void read(HttpClientResponse response) {
      switch (redirects.after(response.statusCode(), response.getHeader(HttpHeaders.LOCATION))) {
        case Redirects.Next.Read _ -> readBody(response);
        case Redirects.Next.Follow follow -> {
          redirects = follow.redirects();
          // What else it says is not wanted, and may have no end.
          abort.run();
          ask();
        }
        case Redirects.Next.Refuse refuse ->
            end(unusable(FetchFailure.Type.REDIRECT, refuse.reason()));
      }
    }

    private void readBody(HttpClientResponse response) {
      response.exceptionHandler(this::networkFailed);
      response.handler(piece -> {
        if (!body.append(piece)) {
          end(tooLarge());
        }
      });
      response.endHandler(end -> {
        // The connection may be carrying the next reading when this one is told.
        abort = () -> {};
        if (response.statusCode() == 200) {
          parse(String.valueOf(response.getHeader(HttpHeaders.CONTENT_ENCODING)));
        } else {
          end(new CatalogParser.Result.Unusable(FetchFailure.ofStatus(response.statusCode())));
        }
      });
    }

    private void parse(String encoding) {
      vertx.executeBlocking(() -> parsed(encoding)).onComplete(this::end, this::parserFailed);
    }

    private void parserFailed(Throwable bug) {
      LOG.atError().setCause(OwnFault.of(bug)).log("list_parser_failed");
      end(
          unusable(
              FetchFailure.Type.INTERNAL, "the proxy made a mistake over the list, see its log"));
    }

    private CatalogParser.Result parsed(String encoding) {
      return switch (encoding.toLowerCase(Locale.ROOT)) {
        case "null", "identity" -> parser.parse(body.bytes(), body.length());
        case "gzip", "x-gzip" -> parsedGzip();
        default ->
            unusable(
                FetchFailure.Type.NOT_JSON,
                "the answer is compressed in a way that was not asked for");
      };
    }

    private CatalogParser.Result parsedGzip() {
      try {
        return body.gunzipped()
            .map(plain -> parser.parse(plain.bytes(), plain.length()))
            .orElseGet(CatalogFeed::tooLarge);
      } catch (IOException broken) {
        return unusable(FetchFailure.Type.NOT_JSON, "the answer is said to be gzip, and is not");
      }
    }

    /** Behind a redirect the exception has in it what the server sent. */
    private void networkFailed(Throwable cause) {
      Destination where = redirects.count() == 0 ? destination : redirected;
      end(
          new CatalogParser.Result.Unusable(
              new FetchFailure(FetchFailure.Type.NETWORK, where.why(cause), where.remedy(cause))));
    }

    private void end(CatalogParser.Result outcome) {
      limit.cancel();
      if (result.tryComplete(outcome)) {
        abort.run();
      }
    }
  }
}

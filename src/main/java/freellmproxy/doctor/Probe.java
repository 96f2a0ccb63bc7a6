package freellmproxy.doctor;

import freellmproxy.catalog.CatalogFeed;
import freellmproxy.catalog.CatalogParser;
import freellmproxy.catalog.FetchFailure;
import freellmproxy.config.Setting;
import freellmproxy.config.Settings;
import freellmproxy.config.Settings.Egress;
import freellmproxy.egress.CertificateProblem;
import freellmproxy.egress.Destination;
import freellmproxy.egress.OutboundRequests;
import freellmproxy.egress.OutboundRequests.Compression;
import freellmproxy.time.Time;
import freellmproxy.time.VertxTime;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Asks one address once and waits for the answer, the way the proxy itself would get there. Blocks;
 * not for event loops.
 */
final class Probe {
  /** The upstream's list of all models has a tenth of it. */
  private static final int MOST_BYTES = 16 << 20;

  private static final String CERTIFICATES =
      "Name a PEM file of certificates in SSL_CERT_FILE, or leave it unset.";

  private final Vertx vertx;
  private final Time time;
  private final Duration connect;
  private final Duration patience;

  /**
   * A probe.
   *
   * @param connect how long a connection may take to stand
   * @param patience how long an answer may take in all
   */
  Probe(Vertx vertx, Duration connect, Duration patience) {
    this.vertx = vertx;
    this.time = new VertxTime(vertx);
    this.connect = connect;
    this.patience = patience;
  }

  /** Where to ask, and how to get there. */
  record Target(URI url, Egress egress, Setting setting) {
    /** The same host by the other protocol. */
    Target withTls() {
      return new Target(
          URI.create(url.toString().replaceFirst("^http:", "https:")), egress, setting);
    }

    private Destination destination() {
      return new Destination(url, egress, setting);
    }
  }

  /** What this machine's clock shows. */
  Instant now() {
    return time.instant();
  }

  Answer get(Target target, @Nullable String key) {
    return ask(HttpMethod.GET, target, key, Buffer.buffer());
  }

  Answer post(Target target, String key, String json) {
    return ask(HttpMethod.POST, target, key, Buffer.buffer(json));
  }

  /** Whether TLS is spoken where an address says that it is not. */
  boolean speaksTls(Target target) {
    if (!"http".equals(target.url().getScheme())) {
      return false;
    }
    try {
      return outcome(HttpMethod.GET, target.withTls(), null, Buffer.buffer())
          instanceof Answer.Answered;
    } catch (CertificateProblem e) {
      return false;
    } catch (CompletionException e) {
      return Destination.speaksTls(cause(e));
    }
  }

  /** Reads the list. */
  CatalogParser.Result list(Settings settings) {
    Settings.ModelList list = settings.modelList();
    OutboundRequests requests;
    try {
      requests = requests(list.url(), list.egress(), Compression.KEPT);
    } catch (CertificateProblem e) {
      return new CatalogParser.Result.Unusable(
          new FetchFailure(
              FetchFailure.Type.NETWORK, String.valueOf(e.getMessage()), CERTIFICATES));
    }
    var parser = CatalogParser.of(settings);
    var feed = new CatalogFeed(vertx, requests, list, parser, time);
    Promise<CatalogParser.Result> result = Promise.promise();
    vertx.runOnContext(now -> feed.fetch().onComplete(result));
    try {
      return result
          .future()
          .toCompletionStage()
          .toCompletableFuture()
          .orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS)
          .join();
    } catch (CompletionException silent) {
      return CatalogParser.Result.unusable(
          FetchFailure.Type.TIMEOUT, "no answer within " + patience.toSeconds() + " s");
    } finally {
      requests.close();
    }
  }

  private Answer ask(HttpMethod method, Target target, @Nullable String key, Buffer body) {
    try {
      return outcome(method, target, key, body);
    } catch (CertificateProblem e) {
      return new Answer.Silent(String.valueOf(e.getMessage()), CERTIFICATES);
    } catch (CompletionException e) {
      return silent(target, cause(e));
    }
  }

  private Answer silent(Target target, Throwable cause) {
    if (cause instanceof TimeoutException) {
      return new Answer.Silent(
          "the connection stands, but no answer comes within " + patience.toSeconds() + " s",
          "Wait and look again; check host and port in "
              + target.setting()
              + ", and whether a firewall on the way swallows what is sent.");
    }
    Destination destination = target.destination();
    return speaksTls(target)
        ? new Answer.Silent(
            target.url().getAuthority() + " speaks TLS, and the address begins with http://",
            "Write https:// instead of http:// into " + target.setting() + ".")
        : new Answer.Silent(destination.why(cause), destination.remedy(cause));
  }

  private static Throwable cause(CompletionException e) {
    return e.getCause() == null ? e : e.getCause();
  }

  private Answer outcome(HttpMethod method, Target target, @Nullable String key, Buffer body) {
    var options =
        new RequestOptions()
            .setMethod(method)
            .setAbsoluteURI(target.url().toString())
            .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
            .putHeader(HttpHeaders.USER_AGENT, "free-llm-proxy");
    if (key != null) {
      options.putHeader(HttpHeaders.AUTHORIZATION, "Bearer " + key);
    }
    OutboundRequests requests = requests(target.url(), target.egress(), Compression.REMOVED);
    Promise<Answer> result = Promise.promise();
    vertx.runOnContext(now -> ask(requests, options, body).onComplete(result));
    try {
      return result
          .future()
          .toCompletionStage()
          .toCompletableFuture()
          .orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS)
          .join();
    } finally {
      requests.close();
    }
  }

  private static Future<Answer> ask(
      OutboundRequests requests, RequestOptions options, Buffer body) {
    return requests.request(options).compose(request -> request.send(body)).compose(Probe::read);
  }

  /** What is longer than anything an API says is cut off. */
  private static Future<Answer> read(HttpClientResponse answer) {
    Promise<Answer> read = Promise.promise();
    Buffer all = Buffer.buffer();
    answer.exceptionHandler(read::tryFail);
    answer.handler(piece -> {
      all.appendBuffer(piece);
      if (all.length() > MOST_BYTES) {
        read.tryComplete(answered(answer, all));
        answer.request().reset();
      }
    });
    answer.endHandler(end -> read.tryComplete(answered(answer, all)));
    return read.future();
  }

  private static Answer answered(HttpClientResponse answer, Buffer body) {
    return new Answer.Answered(answer.statusCode(), answer.headers(), body.getBytes());
  }

  private OutboundRequests requests(URI url, Egress egress, Compression compression) {
    return new OutboundRequests(vertx, url, egress, connect, compression, time);
  }
}

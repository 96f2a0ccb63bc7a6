package freellmproxy.http;

import freellmproxy.api.ApiError;
import freellmproxy.api.ApiError.Retry;
import freellmproxy.catalog.Catalog;
import freellmproxy.chat.ChatRequest;
import freellmproxy.chat.ChatRequest.Trait;
import freellmproxy.chat.PaidFeature;
import freellmproxy.chat.RequestScan;
import freellmproxy.chat.RequestScanner;
import freellmproxy.config.LiveSettings;
import freellmproxy.config.Settings;
import freellmproxy.exchange.ExchangeSink;
import freellmproxy.exchange.Exchanges;
import freellmproxy.exchange.Rejection;
import freellmproxy.http.RefusedRequest.Fault;
import freellmproxy.time.Time;
import io.netty.buffer.ByteBuf;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/** {@code POST /v1/chat/completions}: reads and checks the request, then hands it on. */
final class ChatEndpoint implements Endpoint {
  private static final String IDENTITY = "identity";

  private final LiveSettings settings;
  private final ApiKeyCheck keyCheck;
  private final FirstList firstList;
  private final Supplier<Catalog> catalog;
  private final Exchanges exchanges;
  private final IgnoredModels ignoredModels;
  private final ExchangeSink sink;
  private final Time time;
  private final LargeBodies largeBodies;
  private final RequestScanner scanner = new RequestScanner();

  ChatEndpoint(
      LiveSettings settings,
      ApiKeyCheck keyCheck,
      FirstList firstList,
      Supplier<Catalog> catalog,
      Exchanges exchanges,
      IgnoredModels ignoredModels,
      LargeBodies largeBodies,
      ExchangeSink sink,
      Time time) {
    this.settings = settings;
    this.keyCheck = keyCheck;
    this.firstList = firstList;
    this.catalog = catalog;
    this.exchanges = exchanges;
    this.ignoredModels = ignoredModels;
    this.largeBodies = largeBodies;
    this.sink = sink;
    this.time = time;
  }

  @Override
  public void handle(HttpCall call) {
    ApiError keyFault = keyCheck.check(call.request());
    if (keyFault != null) {
      sink.refused(keyFault.status());
      keyCheck.refuse(call, keyFault);
      return;
    }
    if (isEncoded(call.request())) {
      call.header(HttpHeaders.ACCEPT_ENCODING, IDENTITY);
      rejectAndClose(call, "invalid_request", encoded());
      return;
    }
    BodyReader.read(
        call.request(),
        LargeBodies.longest(maxBodyBytes()),
        time,
        result -> guard(call, () -> read(call, result)));
  }

  private int maxBodyBytes() {
    return settings.current().listen().maxBodyBytes();
  }

  private static boolean isEncoded(HttpServerRequest request) {
    String encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
    return encoding != null && !encoding.isBlank() && !encoding.strip().equalsIgnoreCase(IDENTITY);
  }

  private void read(HttpCall call, BodyReader.Result result) {
    switch (result) {
      case BodyReader.Result.Complete complete ->
          scan(
              call,
              new Exchanges.Origin(call.requestId(), call.beganNanos(), time.nanos()),
              complete.body());
      case BodyReader.Result.TooLarge tooLarge ->
          rejectAndClose(call, "body_too_large", tooLarge());
      case BodyReader.Result.NoRoom noRoom ->
          rejectAndClose(call, "proxy_overloaded", overloaded());
      case BodyReader.Result.Malformed malformed ->
          rejectAndClose(call, "invalid_request", HttpErrors.describe(Fault.BAD_CHUNK));
      case BodyReader.Result.TrailersTooLarge trailers ->
          rejectAndClose(call, "invalid_request", HttpErrors.describe(Fault.HEADERS_TOO_LARGE));
      case BodyReader.Result.TooSlow tooSlow -> rejectAndClose(call, "invalid_request", tooSlow());
    }
  }

  private void scan(HttpCall call, Exchanges.Origin origin, ByteBuf body) {
    if (body.readableBytes() <= LargeBodies.LONGEST_ON_LOOP) {
      scanned(call, origin, scanner.scan(body));
      return;
    }
    var isGone = new AtomicBoolean();
    call.response().closeHandler(closed -> isGone.set(true));
    largeBodies
        .scan(body, () -> !isGone.get())
        .onSuccess(result -> {
          if (result != null) {
            guard(call, () -> scanned(call, origin, result));
          }
        })
        .onFailure(bug ->
            guard(
                call,
                () -> {
                  throw new IllegalStateException("A scan failed.", bug);
                }));
  }

  private void scanned(HttpCall call, Exchanges.Origin origin, RequestScan.Result result) {
    switch (result) {
      case RequestScan.Result.Scanned scanned ->
          firstList.then(() -> guard(call, () -> begin(call, origin, scanned.request())));
      case RequestScan.Result.NotJson fault ->
          reject(
              call,
              "invalid_json",
              ApiError.badRequest("invalid_json", fault.message(), null),
              Set.of());
      case RequestScan.Result.NotChat fault ->
          reject(
              call,
              "invalid_request",
              ApiError.badRequest("invalid_request", fault.message(), fault.param()),
              fault.traits());
    }
  }

  private void begin(HttpCall call, Exchanges.Origin origin, ChatRequest request) {
    if (!call.isOpen()) {
      // It went while the list was read.
      request.release();
      return;
    }
    try {
      route(call, origin, request);
    } catch (RuntimeException | Error bug) {
      request.release();
      throw bug;
    }
  }

  private void route(HttpCall call, Exchanges.Origin origin, ChatRequest request) {
    ignoredModels.note(request);
    Catalog snapshot = catalog.get();
    Settings.Upstream upstream = settings.current().upstream();
    Optional<PaidFeature> paid =
        upstream.freeOnly() && upstream.isOpenRouter() ? request.paidFeature() : Optional.empty();
    if (snapshot.isEmpty()) {
      request.release();
      reject(call, "not_ready", notReady(), request.traits());
    } else if (paid.isPresent()) {
      request.release();
      reject(call, "invalid_request", paidFeature(paid.get()), request.traits());
    } else {
      exchanges.begin(origin, request, snapshot, new HttpReply(call));
    }
  }

  private void guard(HttpCall call, Runnable work) {
    call.guard(work, () -> sink.refused(ApiError.internal().status()));
  }

  private void reject(HttpCall call, String reason, ApiError error, Set<Trait> traits) {
    count(call, reason, error, traits);
    call.error(error);
  }

  private void rejectAndClose(HttpCall call, String reason, ApiError error) {
    count(call, reason, error, Set.of());
    call.errorAndClose(error);
  }

  /** Before the answer: who has it may look at the metrics. */
  private void count(HttpCall call, String reason, ApiError error, Set<Trait> traits) {
    sink.rejected(
        new Rejection(
            call.requestId(),
            reason,
            error.status(),
            traits,
            List.of(),
            catalog.get().models().size(),
            time.since(call.beganNanos())));
  }

  private static ApiError encoded() {
    return new ApiError(
        415,
        "invalid_request_error",
        "unsupported_content_encoding",
        "This proxy reads no compressed bodies. Send plain JSON without a Content-Encoding header.",
        null,
        Retry.POINTLESS);
  }

  private ApiError tooLarge() {
    int longest = LargeBodies.longest(maxBodyBytes());
    String cure =
        longest == maxBodyBytes()
            ? "raise MAX_BODY_MB"
            : "give the proxy more memory, four times as much as a body: JAVA_OPTS=-Xmx2g";
    return new ApiError(
        413,
        "invalid_request_error",
        "body_too_large",
        "The request body is larger than %d MB. Send less, or %s.".formatted(longest >> 20, cure),
        null,
        Retry.POINTLESS);
  }

  private static ApiError overloaded() {
    return ApiError.overloaded(
        "The bodies of other requests fill the memory for them. Ask again in a moment, or give the"
            + " proxy more: JAVA_OPTS=-XX:MaxDirectMemorySize=1g.");
  }

  private static ApiError tooSlow() {
    return new ApiError(
        408,
        "invalid_request_error",
        "request_timeout",
        "The request body came too slowly: no byte for %1$d s, or less than 1 KB a second after the"
            + " first %1$d s.".formatted(BodyReader.PATIENCE.toSeconds()),
        null,
        Retry.UNSAID);
  }

  static ApiError notReady() {
    return new ApiError(
        503,
        "service_unavailable",
        "not_ready",
        "The list of free models could not be read yet; the proxy keeps trying. GET /ready tells"
            + " when it has.",
        null,
        new Retry.After(Duration.ofSeconds(5)));
  }

  private static ApiError paidFeature(PaidFeature paid) {
    return ApiError.badRequest(
        "paid_feature",
        paid.what()
            + " could make OpenRouter charge money, and FREE_ONLY is true. "
            + paid.rule()
            + " Leave it out, or set FREE_ONLY=false.",
        paid.field());
  }
}

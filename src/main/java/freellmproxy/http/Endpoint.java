package freellmproxy.http;

/** Answers the requests of one path and method. Runs on the request's event loop. */
@FunctionalInterface
interface Endpoint {
  void handle(HttpCall call);
}

package freellmproxy.http;

/** Why a request is not served that Netty and Vert.x would take for a good one. */
final class RefusedRequest extends Exception {
  private static final long serialVersionUID = 1L;

  private final Fault fault;

  /** What is wrong, for {@link HttpErrors} to say. */
  enum Fault {
    NOT_HTTP,
    LINE_TOO_LONG,
    HEADERS_TOO_LARGE,
    FOLDED_HEADER,
    UNKNOWN_VERSION,
    UNKNOWN_LENGTH,
    BAD_CHUNK,
    BAD_HOST,
    BAD_TARGET,
    UNKNOWN_EXPECTATION,
    HEAD_TOO_SLOW,
    NO_ROOM
  }

  /** Costs no look at the stack: anybody may cause as many as he likes. */
  RefusedRequest(Fault fault) {
    super(fault.name(), null, false, false);
    this.fault = fault;
  }

  Fault fault() {
    return fault;
  }
}

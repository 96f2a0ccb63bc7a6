package freellmproxy.upstream;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What an upstream's answer means (contract section 5). The variants are the scopes of a failure:
 * each asks the exchange for something different.
 */
public sealed interface Verdict {

  /** The label for logs and metrics. */
  Outcome outcome();

  /**
   * One short phrase for the log, such as {@code 429 free-models-per-day}. Never text that the
   * upstream may have taken from a prompt.
   */
  String reason();

  /** A good answer: the client gets it. */
  record Useful() implements Verdict {
    @Override
    public Outcome outcome() {
      return Outcome.SUCCESS;
    }

    @Override
    public String reason() {
      return "";
    }
  }

  /**
   * This model failed for everybody: it rests, the next one is tried.
   *
   * @param status the answer's own, or the error code that came in the body of a 200; 0 when there
   *     was no whole answer
   * @param advice a line for the operator's log, null in most cases
   */
  record ModelFailed(Outcome outcome, int status, Rest rest, String reason, @Nullable String advice)
      implements Verdict {}

  /**
   * This model cannot do this request: no rest, the next one is tried.
   *
   * @param status what the client gets when no model can: the answer's own, or the error code that
   *     came in the body of a 200
   */
  record ModelUnfit(int status, Unfit unfit, String reason) implements Verdict {
    @Override
    public Outcome outcome() {
      return Outcome.MODEL_UNFIT;
    }
  }

  /**
   * The host that serves the model refused, for reasons of its own or because it cannot do this
   * request: the next one is tried. Where all refuse, the client gets the first refusal.
   *
   * @param status what the client gets then: the answer's own, or the error code that came in the
   *     body of a 200
   * @param rest null when the host may serve another request
   */
  record HostRefused(int status, @Nullable Rest rest, String reason) implements Verdict {
    @Override
    public Outcome outcome() {
      return rest == null ? Outcome.MODEL_UNFIT : Outcome.MODEL_UNAVAILABLE;
    }
  }

  /**
   * The request has reached no model: none rests, the next one is tried, since the way may be open
   * by then. Where it stays like that, the client is told what stands in it.
   *
   * @param status the answer's own, 0 when none came
   * @param why what is known of it besides, for people; may be empty
   */
  record NotReached(Obstacle obstacle, int status, String reason, String why) implements Verdict {
    @Override
    public Outcome outcome() {
      return Outcome.UPSTREAM_ERROR;
    }
  }

  /** A well-formed answer with nothing in it. */
  record Empty(String reason) implements Verdict {
    @Override
    public Outcome outcome() {
      return Outcome.EMPTY_ANSWER;
    }
  }

  /**
   * The account's quota of free requests is used up: no model behind this key can answer.
   *
   * @param allowance the one of its limits that was hit
   * @param hint how long until the quota is back, null when the upstream did not say
   */
  record AccountLimited(Allowance allowance, @Nullable Duration hint, String reason)
      implements Verdict {
    @Override
    public Outcome outcome() {
      return Outcome.RATE_LIMITED;
    }
  }

  /**
   * The key has spent what it may, or the account has no credits: no model behind this key answers
   * until the operator changes that.
   *
   * @param limit the one that was hit, of those that do not end by waiting
   */
  record AccountBlocked(AccountLimit limit, String reason) implements Verdict {
    @Override
    public Outcome outcome() {
      return Outcome.UPSTREAM_AUTH_ERROR;
    }
  }

  /** The upstream refused our key: nothing will work until the operator mends it. */
  record KeyRefused(String reason) implements Verdict {
    @Override
    public Outcome outcome() {
      return Outcome.UPSTREAM_AUTH_ERROR;
    }
  }

  /**
   * The proxy itself had no means to ask, or no room for the answer: nobody is to blame, and the
   * next would fail as well.
   *
   * @param fault one of its own
   */
  record ProxyOverloaded(UpstreamReply.Fault fault) implements Verdict {
    @Override
    public Outcome outcome() {
      return Outcome.CANCELLED;
    }

    @Override
    public String reason() {
      return fault.label();
    }
  }

  /**
   * The request itself is at fault: the client gets the answer as it came.
   *
   * @param status the answer's own, or the error code that came in the body of a 200
   */
  record ClientError(int status, String reason) implements Verdict {
    @Override
    public Outcome outcome() {
      return Outcome.CLIENT_ERROR;
    }
  }
}

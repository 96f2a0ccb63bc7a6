package freellmproxy.egress;

/** A file of certificates that cannot be used; the message says which and why. */
public final class CertificateProblem extends RuntimeException {
  private static final long serialVersionUID = 1L;

  CertificateProblem(String message, Throwable cause) {
    super(message, cause);
  }
}

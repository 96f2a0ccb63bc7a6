package freellmproxy.egress;

import freellmproxy.config.Setting;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Date;
import java.util.Optional;
import java.util.function.Function;

/** Why TLS did not come about, for people: the JDK wraps the cause in up to five exceptions. */
final class TlsFailure {
  private static final String CLOCK = " (or this machine's clock is wrong)";

  private TlsFailure() {}

  /**
   * Half a sentence.
   *
   * @param target its name and port
   */
  static String why(Throwable failure, String target) {
    String certificate = "the certificate of " + target;
    if (find(failure, CertificateExpiredException.class).isPresent()) {
      return certificate + " expired" + on(failure, X509Certificate::getNotAfter) + CLOCK;
    }
    if (find(failure, CertificateNotYetValidException.class).isPresent()) {
      return certificate
          + " is not valid yet, but"
          + on(failure, X509Certificate::getNotBefore)
          + CLOCK;
    }
    if (find(failure, CertPathBuilderException.class).isPresent()
        || find(failure, CertPathValidatorException.class).isPresent()) {
      return certificate
          + " is vouched for by nobody whom this machine trusts; where a company's proxy reads"
          + " along, name its certificate in SSL_CERT_FILE";
    }
    if (find(failure, CertificateException.class).isPresent()) {
      return certificate + " is made out to another name, or cannot be read";
    }
    if (find(failure, NotSslRecordException.class).isPresent()) {
      return target + " does not speak TLS; its address may have to begin with http://";
    }
    if (find(failure, SslHandshakeTimeoutException.class).isPresent()) {
      return "the TLS handshake with " + target + " came to no end in time";
    }
    if (says(failure, "no_application_protocol")) {
      return target + " does not speak this version of HTTP; UPSTREAM_HTTP chooses 1.1 or 2";
    }
    return isAboutVersions(failure)
        ? target + " speaks none but old versions of TLS, which nobody should use any more"
        : "the TLS handshake with " + target + " was broken off";
  }

  /**
   * What to do about it.
   *
   * @param setting the one that names the target
   * @param host of the target
   */
  static String remedy(Throwable failure, Setting setting, String host) {
    if (find(failure, CertificateExpiredException.class).isPresent()
        || find(failure, CertificateNotYetValidException.class).isPresent()) {
      return "Look at the clock first (`date -u`). Where it is right, whoever runs "
          + host
          + " must renew the certificate.";
    }
    if (find(failure, CertPathBuilderException.class).isPresent()
        || find(failure, CertPathValidatorException.class).isPresent()) {
      return "Save the certificate of whoever signed it (PEM) and set SSL_CERT_FILE to that file.";
    }
    if (find(failure, CertificateException.class).isPresent()) {
      return "Check the host in "
          + setting
          + "; where it is right, something on the way answers in its place, such as a login page.";
    }
    if (find(failure, NotSslRecordException.class).isPresent()) {
      return "Write http:// instead of https:// into " + setting + ", or correct its port.";
    }
    if (isAboutVersions(failure)) {
      return "Whoever runs " + host + " must switch TLS 1.2 or 1.3 on; nothing here can be set.";
    }
    return "Check the host and port in "
        + setting
        + ", and whether a firewall or forward proxy on the way breaks TLS (`curl -v`).";
  }

  /** Whether somebody has shown a certificate or named versions, which only TLS does. */
  static boolean isFromTlsPeer(Throwable failure) {
    return find(failure, CertPathBuilderException.class).isPresent()
        || find(failure, CertPathValidatorException.class).isPresent()
        || find(failure, CertificateException.class).isPresent()
        || isAboutVersions(failure);
  }

  private static boolean isAboutVersions(Throwable failure) {
    return says(failure, "protocol_version") || says(failure, "protocol version");
  }

  private static boolean says(Throwable failure, String words) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (String.valueOf(cause.getMessage()).contains(words)) {
        return true;
      }
    }
    return false;
  }

  private static String on(Throwable failure, Function<X509Certificate, Date> date) {
    return find(failure, CertPathValidatorException.class)
        .filter(invalid -> invalid.getCertPath() != null && invalid.getIndex() >= 0)
        .map(invalid -> invalid.getCertPath().getCertificates().get(invalid.getIndex()))
        .filter(X509Certificate.class::isInstance)
        .map(X509Certificate.class::cast)
        .map(certificate -> " on " + day(date.apply(certificate)))
        .orElse("");
  }

  private static LocalDate day(Date date) {
    return LocalDate.ofInstant(date.toInstant(), ZoneOffset.UTC);
  }

  private static <T extends Throwable> Optional<T> find(Throwable failure, Class<T> type) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (type.isInstance(cause)) {
        return Optional.of(type.cast(cause));
      }
    }
    return Optional.empty();
  }
}

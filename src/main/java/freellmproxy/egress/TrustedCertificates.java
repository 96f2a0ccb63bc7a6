package freellmproxy.egress;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** The JDK's own certificates plus those of {@code SSL_CERT_FILE}. */
final class TrustedCertificates {
  private TrustedCertificates() {}

  /** A trust manager for the JDK's certificates and these; empty when these are none. */
  static Optional<X509TrustManager> trust(List<Path> files) {
    if (files.isEmpty()) {
      return Optional.empty();
    }
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      int number = 0;
      for (X509Certificate certificate : manager(null).getAcceptedIssuers()) {
        store.setCertificateEntry("jdk-" + number++, certificate);
      }
      for (Path file : files) {
        for (Certificate certificate : read(file)) {
          store.setCertificateEntry("own-" + number++, certificate);
        }
      }
      return Optional.of(manager(store));
    } catch (IOException | GeneralSecurityException e) {
      throw new CertificateProblem("the trusted certificates cannot be put together", e);
    }
  }

  /**
   * Reads all certificates of a PEM file.
   *
   * @throws CertificateProblem when there is none that can be read
   */
  private static List<Certificate> read(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      var certificates = CertificateFactory.getInstance("X.509").generateCertificates(in);
      if (certificates.isEmpty()) {
        throw new CertificateProblem(file + " has no certificate in it", new IOException("empty"));
      }
      return List.copyOf(certificates);
    } catch (IOException e) {
      throw new CertificateProblem(file + " cannot be read", e);
    } catch (GeneralSecurityException e) {
      throw new CertificateProblem(file + " is not a PEM file of certificates", e);
    }
  }

  private static X509TrustManager manager(@Nullable KeyStore store)
      throws GeneralSecurityException {
    var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509TrustManager x509) {
        return x509;
      }
    }
    throw new GeneralSecurityException("the JDK offers no X.509 trust manager");
  }
}

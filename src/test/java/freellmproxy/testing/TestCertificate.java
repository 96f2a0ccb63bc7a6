package freellmproxy.testing;

import io.vertx.core.net.PfxOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A certificate that signs itself, made anew for each test by the JDK's own tool.
 *
 * @param key to serve with
 * @param pem the certificate alone, to trust
 */
public record TestCertificate(PfxOptions key, Path pem) {
  /** The name it is for, beside 127.0.0.1. No name server knows it. */
  public static final String HOST = "upstream.test";

  /** Another one, of 127.0.0.2 and 127.0.0.1. */
  public static final String TWO_ADDRESSES = SeveralAddresses.name("127.0.0.2", "127.0.0.1");

  private static final String PASSWORD = "only-for-this-test";

  /** Makes one in this folder. */
  public static TestCertificate in(Path folder) throws IOException {
    Path store = folder.resolve("key.p12");
    Path pem = folder.resolve("certificate.pem");
    keytool(
        store,
        List.of(
            "-genkeypair",
            "-keyalg",
            "EC",
            "-dname",
            "CN=sandbox",
            "-ext",
            "san=dns:" + HOST + ",dns:" + TWO_ADDRESSES + ",ip:127.0.0.1"));
    keytool(store, List.of("-exportcert", "-rfc", "-file", pem.toString()));
    return new TestCertificate(
        new PfxOptions().setPath(store.toString()).setPassword(PASSWORD), pem);
  }

  private static void keytool(Path store, List<String> arguments) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(arguments);
    command.addAll(
        List.of("-alias", "sandbox", "-keystore", store.toString(), "-storepass", PASSWORD));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new AssertionError("keytool failed");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }
}

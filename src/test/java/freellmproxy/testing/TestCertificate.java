package freellmproxy.testing;

import io.vertx.core.net.PfxOptions;
import java.io.IOException;
import java.nio.file.Files;
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

  private static List<String> words(String arguments) {
    return List.of(arguments.split(" "));
  }

  /**
   * Makes one that an authority of its own has signed, which is the one to trust.
   *
   * @param name the only one it is for
   * @param start when its 30 days begin, as {@code keytool -startdate} has it
   */
  public static TestCertificate signed(Path folder, String name, String start) throws IOException {
    Path authority = folder.resolve("authority.p12");
    Path authorityPem = folder.resolve("authority.pem");
    Path store = folder.resolve("key.p12");
    Path request = folder.resolve("request");
    Path chain = folder.resolve("chain.pem");
    String dates = "-startdate " + start + " -validity 30";
    keytool(
        authority,
        words("-genkeypair -keyalg EC -dname CN=authority -ext bc:c -startdate -1y -validity 800"));
    keytool(authority, words("-exportcert -rfc -file " + authorityPem));
    keytool(store, words("-genkeypair -keyalg EC -dname CN=sandbox " + dates));
    keytool(store, words("-certreq -file " + request));
    keytool(
        authority,
        words(
            "-gencert -rfc -infile %s -outfile %s -ext san=%s %s"
                .formatted(request, chain, name, dates)));
    Files.writeString(chain, Files.readString(chain) + Files.readString(authorityPem));
    keytool(store, words("-importcert -noprompt -file " + chain));
    return new TestCertificate(
        new PfxOptions().setPath(store.toString()).setPassword(PASSWORD), authorityPem);
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

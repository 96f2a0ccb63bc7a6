package freellmproxy.config;

import freellmproxy.config.Settings.Egress;
import freellmproxy.config.Settings.ProxyServer;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the variables that other tools share, with the meaning curl gives them. */
final class EgressLoader {
  /** curl's, for proxies of either kind. */
  private static final int DEFAULT_PORT = 1080;

  private final RawSettings raw;
  private final List<Problem> problems;
  private final @Nullable ProxyServer forHttps;
  private final @Nullable ProxyServer forHttp;
  private final NoProxy noProxy;
  private final List<Path> certificates;

  EgressLoader(RawSettings raw, List<Problem> problems) {
    this.raw = raw;
    this.problems = problems;
    ProxyServer forAll = proxy(Setting.ALL_PROXY);
    ProxyServer https = proxy(Setting.HTTPS_PROXY);
    ProxyServer http = proxy(Setting.HTTP_PROXY);
    this.forHttps = https != null ? https : forAll;
    this.forHttp = http != null ? http : forAll;
    this.noProxy = NoProxy.parse(raw.text(Setting.NO_PROXY));
    this.certificates = certificates();
  }

  /** How a target is reached. */
  Egress egress(URI target) {
    ProxyServer proxy = "https".equals(target.getScheme()) ? forHttps : forHttp;
    return new Egress(noProxy.covers(target) ? null : proxy, certificates);
  }

  private @Nullable ProxyServer proxy(Setting setting) {
    String value = raw.text(setting);
    if (value.isEmpty()) {
      return null;
    }
    String shown = SettingsLoader.quoted(RawSettings.shown(setting, value));
    try {
      var url = new URI(value.contains("://") ? value : "http://" + value);
      ProxyServer.Kind kind =
          switch (url.getScheme()) {
            case "http" -> ProxyServer.Kind.HTTP;
            case "socks5", "socks5h" -> ProxyServer.Kind.SOCKS5;
            default -> null;
          };
      if (kind == null || url.getHost() == null) {
        problem(setting, shown + " is no http:// or socks5:// address with a host");
        return null;
      }
      return server(setting, kind, url);
    } catch (URISyntaxException e) {
      problem(setting, shown + " is no address");
      return null;
    }
  }

  private static ProxyServer server(Setting setting, ProxyServer.Kind kind, URI url) {
    String[] userInfo =
        url.getRawUserInfo() == null ? new String[0] : url.getRawUserInfo().split(":", 2);
    return new ProxyServer(
        setting,
        kind,
        url.getHost(),
        url.getPort() < 0 ? DEFAULT_PORT : url.getPort(),
        userInfo.length > 0 ? decoded(userInfo[0]) : null,
        userInfo.length > 1 ? new Secret(decoded(userInfo[1])) : null);
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private List<Path> certificates() {
    String value = raw.text(Setting.SSL_CERT_FILE);
    if (value.isEmpty()) {
      return List.of();
    }
    Path file = Path.of(value);
    try {
      String fault = PemFile.faultIn(Files.readString(file, StandardCharsets.ISO_8859_1));
      if (fault != null) {
        problem(Setting.SSL_CERT_FILE, file.toAbsolutePath() + ": " + fault);
      }
    } catch (IOException e) {
      problem(Setting.SSL_CERT_FILE, file.toAbsolutePath() + " " + whyUnreadable(file));
    }
    return List.of(file);
  }

  private static String whyUnreadable(Path file) {
    if (!Files.exists(file)) {
      return "does not exist";
    }
    return Files.isDirectory(file) ? "is a folder" : "cannot be read by this user";
  }

  private void problem(Setting setting, String fault) {
    String fix =
        setting == Setting.SSL_CERT_FILE
            ? "Name a PEM file of certificates, or leave it unset."
            : "Use an address such as http://proxy.example.org:3128, or leave it unset.";
    problems.add(new Problem(setting.name(), fault, fix));
  }
}

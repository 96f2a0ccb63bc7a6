package freellmproxy.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import freellmproxy.config.Redactor;
import freellmproxy.config.Setting;
import freellmproxy.config.Settings;
import freellmproxy.doctor.Answer.Answered;
import freellmproxy.doctor.Answer.Silent;
import freellmproxy.doctor.Probe.Target;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Whether an API answers at {@code UPSTREAM_BASE_URL}, and then what {@link KeyCheck} says. */
final class UpstreamCheck {
  private static final String CHECK = "upstream";

  /** What a server with TLS says to a request without it, in HTTP. */
  private static final Pattern TLS_WANTED = Pattern.compile("HTTPS (port|server)");

  private final Settings settings;
  private final Probe probe;
  private final Redactor redactor;
  private final String shown;
  private final List<Finding> findings = new ArrayList<>();
  private Optional<Instant> date = Optional.empty();

  UpstreamCheck(Settings settings, Probe probe) {
    this.settings = settings;
    this.probe = probe;
    this.redactor = settings.redactor();
    this.shown = "UPSTREAM_BASE_URL=" + settings.upstream().baseUrl();
  }

  /** By its server, once it was asked; empty when it did not say. */
  Optional<Instant> date() {
    return date;
  }

  /**
   * Asks for what costs nothing.
   *
   * @param listed the models of the list
   */
  List<Finding> findings(List<String> listed) {
    switch (get("/key")) {
      case Silent silent -> failed("cannot be reached: " + silent.why(), silent.remedy());
      case Answered key -> {
        date = key.date();
        JsonNode code = key.json().at("/error/code");
        boolean isErrorInside = key.status() == 200 && code.isInt();
        judge(isErrorInside ? new Answered(code.asInt(), key.headers(), key.body()) : key, listed);
      }
    }
    return List.copyOf(findings);
  }

  private void judge(Answered key, List<String> listed) {
    if (key.status() == 407) {
      failed(
          "is not reached: the forward proxy wants another user and password (407)",
          "Write them into HTTP_PROXY (or ALL_PROXY): http://USER:PASSWORD@HOST:PORT.");
    } else if (TLS_WANTED.matcher(key.text()).find()) {
      failed(
          "begins with http://, but TLS is spoken there",
          "Write https:// instead of http:// into UPSTREAM_BASE_URL.");
    } else if (key.isRedirect()) {
      redirected(key);
    } else if (key.isPage()) {
      page(key);
    } else if (key.status() == 200 && key.json().path("data").isObject()) {
      reached("answers");
      new KeyCheck(settings, this::get, probe.now()).findings(key).forEach(findings::add);
      findings.addAll(new ModelsCheck(this::get, redactor).findings(listed));
    } else if (key.status() == 401 || key.status() == 403) {
      refused(key);
    } else if (key.status() == 402) {
      reached("answers");
      findings.add(
          Finding.failed(
              "key",
              "OPENROUTER_API_KEY "
                  + settings.keys().openRouter().tail()
                  + " may ask nothing before something is paid: "
                  + key.said(redactor),
              "Buy credits at openrouter.ai/settings/credits, or raise the limit of the key at"
                  + " openrouter.ai/settings/keys."));
    } else if (key.status() == 429) {
      reached("answers");
      findings.add(
          Finding.warning(
              "key",
              "it was not checked: the upstream was asked too often (429)",
              "Wait a minute and run the doctor again."));
    } else {
      other(key, listed);
    }
  }

  private void redirected(Answered key) {
    String location = String.valueOf(key.headers().get("location"));
    boolean isSameHost =
        location.startsWith("https://" + settings.upstream().baseUrl().getHost())
            && "http".equals(settings.upstream().baseUrl().getScheme());
    String where = Words.quoted(location.replaceFirst("[?#].*", ""), redactor);
    if (isSameHost) {
      failed(
          "redirects to " + where + ", which is not followed",
          "Write https:// instead of http:// into UPSTREAM_BASE_URL.");
    } else {
      failed(
          "redirects (" + key.status() + ") to " + where + ", which is not followed",
          "Where that is a login page, log in to the network with a browser first; otherwise set"
              + " UPSTREAM_BASE_URL to where the API is.");
    }
  }

  private void page(Answered key) {
    String said = key.said(redactor);
    if (key.status() >= 500) {
      broken(said);
    } else if (key.status() == 404 || key.status() == 405) {
      wrongPath(said);
    } else if (key.status() == 401 || key.status() == 403 || key.status() == 451) {
      boolean isCloudflare =
          key.headers().contains("cf-ray")
              || "cloudflare".equalsIgnoreCase(String.valueOf(key.headers().get("server")));
      failed(
          "is refused on the way, not by the API: " + said + (isCloudflare ? " (Cloudflare)" : ""),
          "This network or country is refused, or a firewall or VPN is in between: try another"
              + " network, or a way out elsewhere as HTTPS_PROXY. The key is not to blame.");
    } else {
      Optional<String> better = pathWithAnApi();
      failed(
          "is no API: " + said,
          better
              .map(UpstreamCheck::setTo)
              .orElse(
                  "Open it in a browser: where that shows a login page, log in to the network"
                      + " first; otherwise correct the address, for OpenRouter "
                      + Setting.UPSTREAM_BASE_URL.byDefault()
                      + "."));
    }
  }

  private void refused(Answered key) {
    String said = key.said(redactor);
    if (said.matches("(?is).*\\b(region|country|location|territory)\\b.*")) {
      failed(
          "refuses this place: " + said,
          "Its provider does not serve this country or network: use a way out elsewhere as"
              + " HTTPS_PROXY. The key is not to blame.");
      return;
    }
    reached("answers");
    findings.add(
        Finding.failed(
            "key",
            "OPENROUTER_API_KEY " + settings.keys().openRouter().tail() + " is refused: " + said,
            "Make a new one at openrouter.ai/settings/keys (or at your upstream), put it into"
                + " OPENROUTER_API_KEY, then restart or POST /admin/reload."));
  }

  /** No answer that OpenRouter gives to this: another upstream has no such path. */
  private void other(Answered key, List<String> listed) {
    Answer models = get("/models");
    boolean isApi = models instanceof Answered answered && answered.json().path("data").isArray();
    if (isApi && key.status() < 500) {
      reached("answers, and is not OpenRouter: it says nothing of keys at /key");
      findings.addAll(new ModelsCheck(this::get, redactor).findings(listed));
    } else if (isApi) {
      reached("answers");
      findings.add(
          Finding.warning(
              "key",
              "it could not be checked: " + key.said(redactor),
              "The upstream is at fault: run the doctor again in a few minutes."));
    } else if (key.status() >= 500) {
      broken(key.said(redactor));
    } else if (models instanceof Answered answered
        && (answered.status() == 401 || answered.status() == 403)) {
      refused(answered);
    } else {
      wrongPath(key.said(redactor));
    }
  }

  private void broken(String said) {
    failed(
        "is out of order: " + said,
        "Wait and run the doctor again; status.openrouter.ai says how OpenRouter is.");
  }

  private void wrongPath(String said) {
    failed(
        "has no API at this path: " + said,
        pathWithAnApi()
            .map(UpstreamCheck::setTo)
            .orElse(
                "Correct the path: /chat/completions is added to it. For OpenRouter it is "
                    + Setting.UPSTREAM_BASE_URL.byDefault()
                    + "."));
  }

  private static String setTo(String url) {
    return "Set UPSTREAM_BASE_URL=" + url + ": there an API answers.";
  }

  /** Asked without the key, which a stranger's server must not get. */
  private Optional<String> pathWithAnApi() {
    return BasePaths.near(settings.upstream().baseUrl()).stream()
        .filter(base ->
            probe.get(target(base + "/models"), null) instanceof Answered answered
                && !answered.isPage()
                && (answered.json().path("data").isArray() || answered.status() == 401))
        .findFirst();
  }

  private void reached(String how) {
    Settings.ProxyServer proxy = settings.upstream().egress().proxy();
    String way = proxy == null ? "" : " (through " + proxy.setting() + ", " + proxy.shown() + ")";
    findings.add(Finding.ok(CHECK, shown + " " + how + way));
  }

  private void failed(String detail, String fix) {
    findings.add(Finding.failed(CHECK, shown + " " + detail, fix));
  }

  private Answer get(String path) {
    return probe.get(
        target(settings.upstream().baseUrl() + path), settings.keys().openRouter().reveal());
  }

  private Target target(String url) {
    return new Target(URI.create(url), settings.upstream().egress(), Setting.UPSTREAM_BASE_URL);
  }
}

package freellmproxy.doctor;

import freellmproxy.config.Settings;
import freellmproxy.doctor.Probe.Result;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether the proxy can listen where it is to, or already does. */
final class PortCheck {
  private final Settings settings;
  private final Probe probe;
  private final InetSocketAddress place;
  private final List<Finding> findings = new ArrayList<>();

  PortCheck(Settings settings, Probe probe) {
    this.settings = settings;
    this.probe = probe;
    this.place = new InetSocketAddress(settings.listen().host(), settings.listen().port());
  }

  List<Finding> findings() {
    String host = settings.listen().host();
    int port = settings.listen().port();
    if (refusal(new InetSocketAddress(host, 0)) != null) {
      findings.add(
          Finding.failed(
              "port",
              "HOST=" + host + " is no address of this machine",
              "Set HOST to one, or to 0.0.0.0 for all of them."));
    } else if (answers()) {
      findings.add(Finding.ok("port", port + " is used by a running free-llm-proxy"));
      running();
    } else {
      IOException refusal = refusal(place);
      findings.add(refusal == null ? Finding.ok("port", port + " is free") : judge(place, refusal));
      if (refusal == null) {
        findings.add(
            Finding.warning("proxy", "none is running at port " + port, "Start ./free-llm-proxy."));
      }
    }
    return List.copyOf(findings);
  }

  /** Why nobody can listen there; null when somebody can. */
  private static @Nullable IOException refusal(InetSocketAddress place) {
    try (var socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(place);
      return null;
    } catch (IOException refused) {
      return refused;
    }
  }

  /** By its words: the exception is the same for every reason. */
  static Finding judge(InetSocketAddress place, IOException refusal) {
    if (String.valueOf(refusal.getMessage()).contains("Permission denied")) {
      return Finding.failed(
          "port",
          place.getPort() + " may not be opened by this user",
          "Set PORT to 1024 or more; lower ones need rights of their own.");
    }
    String owner = PortOwner.of(place).orElse("another process");
    return Finding.failed(
        "port", place.getPort() + " is used by " + owner, "Stop it, or set PORT to a free port.");
  }

  private boolean answers() {
    return get("/health", null) instanceof Result.Answered answered
        && answered.json().path("status").asText().equals("ok");
  }

  private void running() {
    Result models = get("/v1/models", settings.keys().proxy().reveal());
    if (models instanceof Result.Answered answered && answered.status() == 403) {
      findings.add(
          Finding.failed(
              "proxy",
              "the running one has another PROXY_API_KEY than " + settings.keys().proxy().tail(),
              "Restart it; it may have begun before the key was changed, or somewhere else."));
      return;
    }
    findings.add(
        switch (get("/ready", null)) {
          case Result.Answered answered when answered.status() == 200 ->
              Finding.ok(
                  "proxy",
                  "ready, %d of %d models can be asked"
                      .formatted(
                          answered.json().path("available").asInt(),
                          answered.json().path("models").asInt()));
          case Result.Answered answered ->
              Finding.failed(
                  "proxy",
                  "it runs but is not ready, %d models known"
                      .formatted(answered.json().path("models").asInt()),
                  "See the checks below; POST /admin/refresh ends all rests.");
          case Result.Silent silent -> Finding.failed("proxy", silent.reason(), "Restart it.");
        });
  }

  private Result get(String path, @Nullable String key) {
    URI url = settings.listen().url(place.getPort()).resolve(path);
    return probe.get(url, Settings.Egress.DIRECT, key);
  }
}

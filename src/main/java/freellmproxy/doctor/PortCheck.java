package freellmproxy.doctor;

import freellmproxy.config.Setting;
import freellmproxy.config.Settings;
import freellmproxy.config.SettingsLoader;
import freellmproxy.doctor.Answer.Answered;
import freellmproxy.doctor.Answer.Silent;
import freellmproxy.doctor.Probe.Target;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Whether the proxy can listen where it is to, or already does. */
final class PortCheck {
  private static final String CHECK = "port";

  /** What {@code GET /} of ours begins with. */
  private static final String OURS = "free-llm-proxy";

  private static final int LOWEST_FREE_PORT = 1024;

  private final SettingsLoader.Result.Loaded loaded;
  private final Settings settings;
  private final Probe probe;
  private final InetSocketAddress place;

  PortCheck(SettingsLoader.Result.Loaded loaded, Probe probe) {
    this.loaded = loaded;
    this.settings = loaded.settings();
    this.probe = probe;
    this.place = new InetSocketAddress(settings.listen().host(), settings.listen().port());
  }

  List<Finding> findings() {
    String host = settings.listen().host();
    int port = settings.listen().port();
    if (refusal(new InetSocketAddress(host, 0)) != null) {
      return List.of(
          Finding.failed(
              CHECK,
              "HOST=" + host + " is no address of this machine",
              "Set HOST to one, or to 0.0.0.0 for all of them."));
    }
    IOException refusal = refusal(place);
    if (refusal == null) {
      String free = port == 0 ? "PORT=0 takes any free one" : port + " is free";
      return List.of(Finding.ok(CHECK, free), notRunning(port));
    }
    return isDenied(refusal) ? List.of(judge(place, refusal)) : inUse(refusal);
  }

  private static Finding notRunning(int port) {
    String none = "none is running at port " + port;
    return Processes.otherProxies()
        .map(other ->
            Finding.warning(
                "proxy",
                none + ", but " + other,
                "If that one is meant, it began with other settings than these: restart it here, or"
                    + " run the doctor in its folder."))
        .orElseGet(() -> Finding.warning("proxy", none, "Start ./free-llm-proxy."));
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

  private static boolean isDenied(IOException refusal) {
    return String.valueOf(refusal.getMessage()).contains("Permission denied");
  }

  /** By its words: the exception is the same for every reason. */
  static Finding judge(InetSocketAddress place, IOException refusal) {
    if (isDenied(refusal)) {
      return Finding.failed(
          CHECK,
          "PORT=" + place.getPort() + " may not be opened by this user",
          "Set PORT to 1024 or more; lower ones need rights of their own.");
    }
    return taken(place, "");
  }

  private static Finding taken(InetSocketAddress place, String what) {
    Optional<Processes.Running> owner = Processes.at(place);
    String who = owner.map(Processes.Running::toString).orElse("another process");
    String stop = owner.map(found -> "Stop it (`kill " + found.number() + "`)").orElse("Stop it");
    return Finding.failed(
        CHECK,
        "PORT=%d is used by %s, which is not this proxy%s".formatted(place.getPort(), who, what),
        stop + ", or set PORT to a free port" + freePort(place) + ".");
  }

  private static String freePort(InetSocketAddress taken) {
    return IntStream.rangeClosed(taken.getPort() + 1, taken.getPort() + 20)
        .filter(port -> port >= LOWEST_FREE_PORT && port <= Settings.Listen.MAX_PORT)
        .filter(port -> refusal(new InetSocketAddress(taken.getAddress(), port)) == null)
        .mapToObj(port -> " such as " + port)
        .findFirst()
        .orElse("");
  }

  private List<Finding> inUse(IOException refusal) {
    return switch (get("/", null)) {
      case Answered index when index.text().startsWith(OURS) ->
          Stream.concat(
                  Stream.of(
                      Finding.ok(CHECK, place.getPort() + " is used by a running free-llm-proxy")),
                  running().stream())
              .toList();
      case Answered index ->
          List.of(taken(place, ": GET / " + index.said(settings.redactor()).substring(3)));
      case Silent silent ->
          List.of(
              silent.why().contains("speaks TLS")
                  ? taken(place, ": it speaks TLS")
                  : silent.why().contains("does not speak HTTP")
                      ? taken(place, ": it does not speak HTTP")
                      : judge(place, refusal));
    };
  }

  private List<Finding> running() {
    Answer status = get("/admin/status", settings.keys().proxy().reveal());
    if (status instanceof Answered answered && answered.status() == 200) {
      return new RunningProxy(answered.json(), loaded, place.getPort(), probe.now()).findings();
    }
    Optional<Processes.Running> owner = Processes.at(place);
    String which =
        owner.map(found -> " (process " + found.number() + folder(found) + ")").orElse("");
    String pid = owner.map(Processes.Running::number).orElse("PID");
    return List.of(
        switch (status) {
          case Answered answered when answered.status() == 403 ->
              Finding.failed(
                  "proxy",
                  "the running one%s has another PROXY_API_KEY than %s"
                      .formatted(which, settings.keys().proxy().tail()),
                  "It began before the key was changed, or with other settings: restart it, or send"
                      + " it `kill -HUP "
                      + pid
                      + "` where its .env has the new key.");
          case Answered answered when answered.status() == 404 ->
              Finding.warning(
                  "proxy",
                  "the running one" + which + " is of an older version, which tells no settings",
                  "Restart it: it may also have older settings.");
          case Answered answered ->
              Finding.failed(
                  "proxy",
                  "the running one" + which + ": " + answered.said(settings.redactor()),
                  "Look into its log, and restart it.");
          case Silent silent ->
              Finding.failed(
                  "proxy",
                  "the running one" + which + ": " + silent.why(),
                  "Look into its log, and restart it.");
        });
  }

  private static String folder(Processes.Running running) {
    return running.folder().map(folder -> " in " + folder).orElse("");
  }

  private Answer get(String path, @Nullable String key) {
    URI url = settings.listen().url(place.getPort()).resolve(path);
    return probe.get(new Target(url, Settings.Egress.DIRECT, Setting.PORT), key);
  }
}

package freellmproxy.wire;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import freellmproxy.ProxyVertx;
import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.ReceivedRequest;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.CountingTime;
import freellmproxy.testing.Events;
import freellmproxy.testing.TestProxy;
import freellmproxy.time.VertxTime;
import io.netty.util.ResourceLeakDetector;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * Two hundred clients for a minute ({@code soak.seconds}; {@code bench/soak} runs it longer)
 * against models that fail at random while the list is read again and again. Half of the clients
 * stream, some vanish. Every answer must be the sandbox's bytes, or broken off in good form, or an
 * honest refusal; nothing may be left over.
 */
final class SoakTest {
  private static final int CLIENTS = 200;
  private static final int MODELS = 300;
  private static final int FAULTS_PERCENT = 5;
  private static final int VANISH_PERCENT = 5;
  private static final long HEAP_SLACK = 48 << 20;
  private static final Duration SETTLE = Duration.ofSeconds(20);
  private static final Pattern NUMBER = Pattern.compile("gen-sandbox-(\\d+)\"");
  private static final Pattern MODEL = Pattern.compile("\"model\":\"([^\"]+)\"");
  private static final Pattern COUNTED =
      Pattern.compile("(?m)^freellm_requests_total\\{.*} ([0-9.E]+)$");

  private final ConcurrentHashMap<String, LongAdder> endings = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
  private final LongAdder sent = new LongAdder();
  private final LongAdder faults = new LongAdder();

  @Test
  void losesNothing() throws IOException, InterruptedException, ExecutionException {
    Duration length = Duration.ofSeconds(Integer.getInteger("soak.seconds", 10));
    var leaks = new ListAppender<ILoggingEvent>();
    leaks.start();
    var leakLog = (Logger) LoggerFactory.getLogger(ResourceLeakDetector.class);
    leakLog.addAppender(leaks);
    Vertx vertx = ProxyVertx.create();
    var time = new CountingTime(new VertxTime(vertx));
    try (var proxy =
        TestProxy.start(
            vertx,
            time,
            new SandboxUpstream.Options(0, SandboxUpstream.Recording.OFF, null),
            sandbox -> {
              sandbox.scriptList(Faults.status(200, list()));
              sandbox.scriptOthers(this::play);
              return settings();
            })) {
      drive(proxy, length.dividedBy(3));
      long before = usedHeap();
      drive(proxy, length.dividedBy(3).multipliedBy(2));
      settle(proxy);
      long after = usedHeap();
      Files.writeString(
          Path.of("target", "soak.txt"),
          "requests %d, faults played %d, endings %s, heap %d KB -> %d KB, leaks %d%n"
              .formatted(
                  sent.sum(), faults.sum(), endings, before >> 10, after >> 10, leaks.list.size()));
      assertThat(wrong).isEmpty();
      assertThat(endings).containsKeys("whole", "error frame", "vanished");
      assertThat(counted(proxy)).isEqualTo(sent.sum());
      assertThat(after).isLessThan(before + HEAP_SLACK);
      TestProxy.await(proxy.proxy().stop());
      awaitZero(proxy.sandbox()::openConnections);
      awaitZero(time::pendingTimers);
    } finally {
      leakLog.detachAppender(leaks);
    }
    assertThat(leaks.list).isEmpty();
  }

  private static String[] settings() {
    return new String[] {
      "MODELS_REFRESH_SEC", "5",
      "UPSTREAM_TIMEOUT_SEC", "2",
      "STREAM_IDLE_TIMEOUT_SEC", "2",
      "ANSWER_TIMEOUT_SEC", "4",
      "RATE_LIMIT_COOLDOWN_SEC", "2",
      "GENERIC_ERROR_COOLDOWN_SEC", "1"
    };
  }

  private static String list() {
    return IntStream.range(0, MODELS)
        .mapToObj(i -> "{\"id\":\"soak/m" + i + ":free\",\"rank\":" + (i + 1) + "}")
        .collect(Collectors.joining(",", "{\"models\":[", "]}"));
  }

  /** The good answer to a request: always the same for its number. */
  private static Behaviour answer(long number) {
    var random = new Random(number);
    var pieces = new ArrayList<String>();
    for (int i = random.nextInt(12) + 1; i > 0; i--) {
      pieces.add("ы%x ".formatted(random.nextLong()).repeat(1 + random.nextInt(20)));
    }
    return ChatAnswer.text(pieces.toArray(String[]::new));
  }

  private List<Step> play(ReceivedRequest request) {
    var random = new Random(request.number() * 31);
    Behaviour good = answer(request.number());
    if (random.nextInt(100) >= FAULTS_PERCENT) {
      return switch (random.nextInt(20)) {
        case 0 -> good.paced(Duration.ofMillis(5)).steps(request);
        case 1 -> good.inPiecesOf(7).steps(request);
        case 2 -> Faults.gzipped(good).steps(request);
        default -> good.steps(request);
      };
    }
    faults.increment();
    Behaviour[] all = {
      Faults.error(429, "slow down"),
      Faults.error(500, "oops"),
      Faults.error(503, "busy"),
      Faults.html(200),
      Faults.hangUp(),
      Faults.reset(),
      Faults.garbage(),
      ChatAnswer.empty(),
      Faults.stream(Events.ROLE, Events.error(502)),
      good.upTo(3, new Step.Fin()),
      good.upTo(3, new Step.Reset()),
      good.upTo(3, new Step.Write(Events.error(502).getBytes(UTF_8)), new Step.End()),
      good.upTo(3, new Step.Stall()),
      Faults.silence()
    };
    return all[random.nextInt(all.length)].steps(request);
  }

  private void drive(TestProxy proxy, Duration length)
      throws InterruptedException, ExecutionException {
    long end = System.nanoTime() + length.toNanos();
    try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
      var running = new ArrayList<java.util.concurrent.Future<?>>();
      for (int i = 0; i < CLIENTS; i++) {
        var random = new Random(i);
        running.add(
            pool.submit(() -> {
              while (System.nanoTime() < end) {
                ask(proxy, client, random);
              }
            }));
      }
      for (java.util.concurrent.Future<?> each : running) {
        each.get();
      }
    }
  }

  private void ask(TestProxy proxy, HttpClient client, Random random) {
    boolean stream = random.nextBoolean();
    HttpRequest request =
        proxy
            .request("/v1/chat/completions")
            .header("Authorization", "Bearer " + TestProxy.KEY)
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"stream\":" + stream + ",\"messages\":[\"" + random.nextLong() + "\"]}"))
            .build();
    sent.increment();
    try {
      HttpResponse<InputStream> answer =
          client.send(request, HttpResponse.BodyHandlers.ofInputStream());
      try (InputStream body = answer.body()) {
        if (random.nextInt(100) < VANISH_PERCENT) {
          body.readNBytes(random.nextInt(200));
          count("vanished");
        } else {
          String text = new String(body.readAllBytes(), UTF_8);
          count(answer.statusCode() == 200 ? check(text, stream) : refusal(answer, text));
        }
      }
    } catch (IOException e) {
      wrong.add(e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      wrong.add(e.toString());
    }
  }

  private void count(String ending) {
    endings.computeIfAbsent(ending, key -> new LongAdder()).increment();
  }

  private String refusal(HttpResponse<?> answer, String text) {
    boolean honest =
        answer.statusCode() == 503
            && text.contains("all_models_unavailable")
            && answer.headers().firstValue("retry-after").isPresent();
    if (!honest) {
      wrong.add(answer.statusCode() + " " + text);
    }
    return "503";
  }

  /** The bytes must be those that the sandbox sent for the request it says it answered. */
  private String check(String text, boolean stream) {
    Matcher number = NUMBER.matcher(text);
    Matcher model = MODEL.matcher(text);
    if (!number.find() || !model.find()) {
      wrong.add("no answer of the sandbox: " + text);
      return "wrong";
    }
    String expected = expected(Long.parseLong(number.group(1)), model.group(1), stream);
    if (text.equals(expected)) {
      return "whole";
    }
    int frame = text.indexOf("data: {\"error\"");
    boolean brokenInGoodForm =
        stream
            && frame > 0
            && expected.startsWith(text.substring(0, frame))
            && text.endsWith("\"finish_reason\":\"error\"}]}\n\ndata: [DONE]\n\n")
            && text.indexOf("data: ", frame + 1) == text.length() - "data: [DONE]\n\n".length();
    if (!brokenInGoodForm) {
      wrong.add("got " + text + " instead of " + expected);
    }
    return "error frame";
  }

  private static String expected(long number, String model, boolean stream) {
    var request =
        new ReceivedRequest(
            number,
            MultiMap.caseInsensitiveMultiMap(),
            new byte[0],
            model,
            stream,
            Future.succeededFuture());
    return answer(number).steps(request).stream()
        .filter(Step.Write.class::isInstance)
        .map(step -> new String(((Step.Write) step).bytes(), UTF_8))
        .filter(write -> !write.startsWith(":"))
        .collect(Collectors.joining());
  }

  private static long usedHeap() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Waits until the calls of clients that vanished are given up everywhere. */
  private static void settle(TestProxy proxy) {
    awaitZero(proxy.sandbox()::openRequests);
    proxy.settledMetrics();
  }

  private static void awaitZero(java.util.function.IntSupplier left) {
    long end = System.nanoTime() + SETTLE.toNanos();
    while (left.getAsInt() != 0) {
      assertThat(System.nanoTime()).as("left over: " + left.getAsInt()).isLessThan(end);
      Thread.onSpinWait();
    }
  }

  private static long counted(TestProxy proxy) {
    Matcher line = COUNTED.matcher(proxy.settledMetrics());
    double all = 0;
    while (line.find()) {
      all += Double.parseDouble(line.group(1));
    }
    return Math.round(all);
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.CHAT;
import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import freellmproxy.ProxyVertx;
import freellmproxy.catalog.Catalog;
import freellmproxy.catalog.CatalogFeed;
import freellmproxy.catalog.CatalogParser;
import freellmproxy.catalog.CatalogRefresher;
import freellmproxy.config.Settings;
import freellmproxy.egress.OutboundRequests;
import freellmproxy.sandbox.Behaviour;
import freellmproxy.sandbox.ChatAnswer;
import freellmproxy.sandbox.Faults;
import freellmproxy.sandbox.Gate;
import freellmproxy.sandbox.SandboxUpstream;
import freellmproxy.sandbox.Step;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.RawConnection;
import freellmproxy.testing.TestProxy;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Contract section 2. */
final class ListRefreshTest {

  static Stream<Behaviour> failures() {
    return Stream.of(
        Faults.html(200),
        Faults.error(500, "x"),
        Faults.status(200, "{\"models\":[]}"),
        Faults.hangUp(),
        Faults.garbage());
  }

  @ParameterizedTest
  @MethodSource("failures")
  void keepsTheLastListWhateverFails(Behaviour failure) {
    try (var proxy = TestProxy.startAt(new FakeTime())) {
      proxy.sandbox().scriptList(failure);
      assertThat(TestProxy.await(proxy.proxy().readList()).generation()).isEqualTo(1);
      assertThat(proxy.chat().statusCode()).isEqualTo(200);
    }
  }

  static Stream<Behaviour> lossesBeforeTheHead() {
    return Stream.of(Faults.hangUp(), Faults.reset());
  }

  /** As chats do after a stale connection: the operator who asks must not be told to ask again. */
  @ParameterizedTest
  @MethodSource("lossesBeforeTheHead")
  void isReadOnceMoreWhenTheConnectionIsLostBeforeTheHead(Behaviour loss) {
    String list = "[{\"id\":\"new\"}]";
    try (var proxy = TestProxy.startAt(new FakeTime())) {
      proxy.sandbox().scriptList(inTurn(loss, Faults.status(200, list)));
      HttpResponse<String> refreshed = proxy.refresh();
      assertThat(refreshed.statusCode()).as(refreshed.body()).isEqualTo(200);
      assertThat(refreshed.body()).contains("\"models\":1");
    }
  }

  @Test
  void isReadOnceMoreOnly() {
    try (var proxy = TestProxy.startAt(new FakeTime())) {
      Behaviour loss = Faults.hangUp();
      proxy.sandbox().scriptList(inTurn(loss, loss, Faults.status(200, "[{\"id\":\"new\"}]")));
      HttpResponse<String> refreshed = proxy.refresh();
      assertThat(refreshed.statusCode()).isEqualTo(502);
      assertThat(refreshed.body()).contains("refresh_failed");
    }
  }

  private static Behaviour inTurn(Behaviour... turns) {
    var left = new ArrayDeque<>(List.of(turns));
    return request -> left.remove().steps(request);
  }

  @Test
  void triesAgainWithGrowingPausesAndThenEveryPeriod() {
    var time = new FakeTime();
    try (var proxy = TestProxy.startAt(time)) {
      proxy.sandbox().scriptList(Faults.error(500, "x"));
      TestProxy.await(proxy.proxy().readList());
      for (int pause = 5; pause <= 40; pause *= 2) {
        // A jitter may move each pause, but never to less than half of it.
        time.awaitTimerBetween(Duration.ofMillis(pause * 500L), Duration.ofMillis(pause * 1500L));
        TestProxy.await(proxy.proxy().readList());
      }
      proxy.sandbox().scriptList(Faults.status(200, "[{\"id\":\"new\"}]"));
      assertThat(TestProxy.await(proxy.proxy().readList()).generation()).isEqualTo(2);
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue("new");
      time.awaitTimerBetween(Duration.ofHours(1), Duration.ofHours(1));
    }
  }

  @Test
  void answersAllWhoAskMeanwhileWithOneMoreReading() {
    var gate = new Gate();
    try (var proxy = TestProxy.startAt(new FakeTime())) {
      proxy
          .sandbox()
          .scriptList(Faults.status(200, "[{\"id\":\"new\"}]").after(new Step.Hold(gate)));
      List<Future<Catalog>> readings =
          Stream.generate(() -> proxy.proxy().readList()).limit(20).toList();
      TestProxy.await(gate.reached());
      gate.open();
      assertThat(TestProxy.await(readings.getFirst()).generation()).isEqualTo(2);
      for (Future<Catalog> later : readings.subList(1, readings.size())) {
        assertThat(TestProxy.await(later).generation()).isEqualTo(3);
      }
      assertThat(TestProxy.await(proxy.proxy().readList()).generation()).isEqualTo(4);
    }
  }

  @Test
  void forgetsTheRestsOfModelsThatLeftTheList() {
    try (var proxy = TestProxy.startAt(new FakeTime())) {
      proxy.sandbox().script(FIRST, Faults.error(429, "x"));
      proxy.chat();
      proxy.sandbox().scriptList(Faults.status(200, "[{\"id\":\"other\"}]"));
      TestProxy.await(proxy.proxy().readList());
      proxy.sandbox().scriptList(Faults.status(200, "[{\"id\":\"" + FIRST + "\"}]"));
      TestProxy.await(proxy.proxy().readList());
      proxy.sandbox().unscript(FIRST);
      assertThat(proxy.chat().headers().firstValue("x-free-llm-proxy-model")).hasValue(FIRST);
    }
  }

  @Test
  void forgetsTheSeriesOfModelsThatLeftTheList() throws IOException {
    var held = new Gate();
    try (var proxy = TestProxy.startAt(new FakeTime());
        var client = RawConnection.to(proxy.port())) {
      proxy.sandbox().script(FIRST, ChatAnswer.standard().after(new Step.Hold(held)));
      client.chat(CHAT);
      TestProxy.await(held.reached());
      proxy.sandbox().script(FIRST, Faults.error(429, "x"));
      proxy.chat();
      assertThat(proxy.get("/metrics").body()).contains(FIRST, SECOND);
      for (String id : List.of("other", "another", "next")) {
        proxy.sandbox().scriptList(Faults.status(200, "[{\"id\":\"" + id + "\"}]"));
        TestProxy.await(proxy.proxy().readList());
        proxy.chat();
      }
      held.open();
      client.readUntil("fake OpenRouter.");
      assertThat(proxy.settledMetrics().lines().filter(line -> line.contains("model_id=")))
          .containsExactlyInAnyOrder(
              "freellm_upstream_attempts_total{model_id=\"next\",outcome=\"success\"} 1.0",
              "freellm_upstream_attempts_total{model_id=\"unlisted\",outcome=\"success\"} 1.0");
    }
  }

  @Test
  void tellsTheOthersWhenOneWhoIsToldOfANewListThrows() {
    Vertx vertx = ProxyVertx.create();
    try {
      SandboxUpstream sandbox =
          TestProxy.await(SandboxUpstream.start(vertx, SandboxUpstream.Options.FOR_TESTS));
      var time = new FakeTime();
      var told = new AtomicReference<>(Catalog.EMPTY);
      Consumer<Catalog> broken =
          catalog -> {
            throw new NoClassDefFoundError("a bug");
          };
      var refresher =
          new CatalogRefresher(
              vertx.getOrCreateContext(),
              new CatalogFeed(
                  vertx,
                  new OutboundRequests(
                      vertx,
                      sandbox.modelListUrl(),
                      Settings.Egress.DIRECT,
                      Duration.ofSeconds(5),
                      OutboundRequests.Compression.KEPT,
                      time),
                  TestProxy.settings(sandbox).modelList(),
                  new CatalogParser(id -> true),
                  time),
              TestProxy.settings(sandbox).modelList(),
              time,
              RandomGenerator.getDefault(),
              List.of(broken, told::set));
      assertThat(TestProxy.await(refresher.refreshNow()).failure()).isNull();
      assertThat(told.get().generation()).isEqualTo(1);
    } finally {
      TestProxy.await(vertx.close());
    }
  }

  @Test
  void livesOnWhenNothingCouldEverBeRead() {
    try (var proxy =
        TestProxy.startAt(new FakeTime(), "MODELS_LIST_URL", "http://127.0.0.1:1/list")) {
      assertThat(proxy.get("/ready").statusCode()).isEqualTo(503);
      assertThat(proxy.get("/health").statusCode()).isEqualTo(200);
      assertThat(proxy.chat().statusCode()).isEqualTo(503);
      assertThat(proxy.chat().body()).contains("not_ready");
    }
  }
}

package freellmproxy.wire;

import static freellmproxy.testing.TestProxy.FIRST;
import static freellmproxy.testing.TestProxy.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.read.ListAppender;
import ch.qos.logback.core.spi.FilterReply;
import freellmproxy.exchange.ExchangeRecord;
import freellmproxy.exchange.ExchangeSink;
import freellmproxy.exchange.Rejection;
import freellmproxy.observe.ExchangeLog;
import freellmproxy.observe.Journal;
import freellmproxy.observe.Journal.Named;
import freellmproxy.sandbox.Faults;
import freellmproxy.testing.Events;
import freellmproxy.testing.FakeTime;
import freellmproxy.testing.TestProxy;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;
import org.slf4j.Marker;

/** Contract section 12: a log or metrics that fail take nothing from a client. */
final class SinkFaultTest {
  private final FakeTime time = new FakeTime();

  /** Throws whatever it is told. */
  private record Broken(Supplier<RuntimeException> bug) implements ExchangeSink {
    @Override
    public void done(ExchangeRecord record) {
      throw bug.get();
    }

    @Override
    public void rejected(Rejection rejection) {
      throw bug.get();
    }

    @Override
    public void refused(int status) {
      throw bug.get();
    }
  }

  /** Writes down what it is told. */
  private record Noting(List<String> notes) implements ExchangeSink {
    @Override
    public void done(ExchangeRecord record) {
      notes.add("done " + record.status());
    }

    @Override
    public void rejected(Rejection rejection) {
      notes.add("rejected " + rejection.status());
    }

    @Override
    public void refused(int status) {
      notes.add("refused " + status);
    }
  }

  static Stream<Supplier<RuntimeException>> bugs() {
    return Stream.of(
        () -> new IllegalStateException("a bug"),
        SinkFaultTest::endlessRecursion,
        () -> {
          throw new NoClassDefFoundError("a bug");
        },
        () -> {
          throw new AssertionError("a bug");
        });
  }

  @SuppressWarnings("InfiniteRecursion")
  private static RuntimeException endlessRecursion() {
    return new IllegalStateException(endlessRecursion());
  }

  @ParameterizedTest
  @MethodSource("bugs")
  void aSinkThatThrowsTakesNothingFromTheClientNorFromTheNextSink(Supplier<RuntimeException> bug) {
    var notes = new CopyOnWriteArrayList<String>();
    try (var proxy =
        TestProxy.startTelling(
            time, new Named("broken", new Broken(bug)), new Named("noting", new Noting(notes)))) {
      assertServes(proxy);
      assertThat(notes)
          .containsExactly(
              "done 200", "done 200", "done 200", "done 402", "rejected 400", "refused 401");
      assertThat(proxy.settledMetrics())
          .contains(
              "freellm_sink_failures_total{sink=\"broken\"} 6.0",
              "freellm_sink_failures_total{sink=\"log\"} 0.0",
              "freellm_sink_failures_total{sink=\"metrics\"} 0.0",
              "freellm_sink_failures_total{sink=\"noting\"} 0.0",
              "freellm_requests_total{status=\"200\"} 2.0",
              "freellm_requests_total{status=\"200/mid_error\"} 1.0",
              "freellm_requests_total{status=\"400\"} 1.0",
              "freellm_requests_total{status=\"401\"} 1.0",
              "freellm_requests_total{status=\"402\"} 1.0");
    }
  }

  private static void assertServes(TestProxy proxy) {
    assertThat(proxy.chat()).returns(200, HttpResponse::statusCode);
    assertThat(proxy.stream().body()).endsWith(Events.DONE);
    proxy.sandbox().script(FIRST, Faults.stream(Events.content("Hi"), Events.error(502)));
    assertThat(proxy.stream().body()).contains("stream_interrupted").endsWith(Events.DONE);
    proxy.sandbox().script(SECOND, Faults.error(402, "no"));
    assertThat(proxy.chat()).returns(402, HttpResponse::statusCode);
    assertThat(proxy.post("[]")).returns(400, HttpResponse::statusCode);
    assertThat(proxy.get("/v1/models")).returns(401, HttpResponse::statusCode);
    assertThat(
            proxy.send(
                proxy.request("/v1/chat/completions").POST(HttpRequest.BodyPublishers.noBody())))
        .returns(401, HttpResponse::statusCode);
  }

  @Test
  void aLogThatThrowsTakesNothingFromTheClientNorFromTheMetrics() {
    var logback = (LoggerContext) LoggerFactory.getILoggerFactory();
    var broken = new BrokenLog();
    try (var proxy = TestProxy.startAt(time)) {
      logback.addTurboFilter(broken);
      assertServes(proxy);
      assertThat(proxy.settledMetrics())
          .contains(
              // It writes no line for a wrong key.
              "freellm_sink_failures_total{sink=\"log\"} 5.0",
              "freellm_requests_total{status=\"200\"} 2.0",
              "freellm_requests_total{status=\"401\"} 1.0");
    } finally {
      logback.getTurboFilterList().remove(broken);
    }
  }

  /** Throws at each line about a request. */
  private static final class BrokenLog extends TurboFilter {
    @Override
    public FilterReply decide(
        @Nullable Marker marker,
        Logger logger,
        Level level,
        @Nullable String format,
        Object @Nullable [] params,
        @Nullable Throwable thrown) {
      if (logger.getName().equals(ExchangeLog.class.getName())) {
        throw new IllegalStateException("a bug");
      }
      return FilterReply.NEUTRAL;
    }
  }

  @Test
  void saysOnceAMinuteThatASinkFails() {
    var logger = (Logger) LoggerFactory.getLogger(Journal.class);
    var lines = new ListAppender<ILoggingEvent>();
    lines.start();
    logger.addAppender(lines);
    try {
      var journal =
          new Journal(
              List.of(
                  new Named("a", new Broken(() -> new IllegalStateException("a bug"))),
                  new Named("b", new Broken(() -> new IllegalStateException("a bug")))),
              name -> () -> {},
              time);
      refuseOften(journal);
      time.advance(Duration.ofSeconds(59));
      refuseOften(journal);
      assertThat(lines.list).hasSize(2);
      time.advance(Duration.ofSeconds(1));
      refuseOften(journal);
      assertThat(lines.list)
          .hasSize(4)
          .allSatisfy(line -> assertThat(line.getMessage()).isEqualTo("sink_failed"));
      assertThat(lines.list.getLast().getKeyValuePairs().toString())
          .contains("sink=\"b\"", "failures=\"201\"");
    } finally {
      logger.detachAppender(lines);
    }
  }

  private static void refuseOften(Journal journal) {
    for (int i = 0; i < 100; i++) {
      journal.refused(401);
    }
  }
}

package freellmproxy.observe;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import freellmproxy.config.Redactor;
import freellmproxy.config.Secret;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.event.KeyValuePair;

/** Log lines are written in order, all of them at a stop, and never hold up who logs. */
@Timeout(30)
final class LogWriterTest {
  private final LoggerContext context = new LoggerContext();
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private final CountDownLatch writing = new CountDownLatch(1);
  private final CountDownLatch mayWrite = new CountDownLatch(1);

  /** Ends when the lines that have not been written are fewer than a batch. */
  private final CountDownLatch nearlyAll =
      new CountDownLatch(1 + LogWriter.CAPACITY - LogWriter.BATCH + 1);

  private final LogWriter writer = writer(new Gated());

  @AfterEach
  void stop() {
    mayWrite.countDown();
    writer.stop();
  }

  @Test
  void writesAllThatWaitsAtAStop() {
    mayWrite.countDown();
    writer.start();
    for (int i = 0; i < 2_000; i++) {
      writer.doAppend(event("line-" + i));
    }
    writer.stop();
    assertThat(lines()).hasSize(2_000).startsWith("line-0", "line-1").endsWith("line-1999");
  }

  @Test
  void dropsAndCountsWhatAFullQueueCannotTake() throws InterruptedException {
    writer.start();
    writer.doAppend(event("first"));
    writing.await();
    for (int i = 0; i < LogWriter.CAPACITY + 3; i++) {
      writer.doAppend(event("next"));
    }
    mayWrite.countDown();
    writer.stop();
    assertThat(lines())
        .hasSize(LogWriter.CAPACITY + 2)
        .startsWith("first", "log_lines_dropped count=3", "next");
  }

  @Test
  void leavesNoMoreThanABatchToGather() throws InterruptedException {
    writer.start();
    writer.doAppend(event("first"));
    writing.await();
    for (int i = 0; i < LogWriter.CAPACITY; i++) {
      writer.doAppend(event("next"));
    }
    mayWrite.countDown();
    nearlyAll.await();
    assertThat(lines()).hasSizeGreaterThan(LogWriter.CAPACITY - LogWriter.BATCH);
  }

  @Test
  void losesOneLineAndNotAllThatFollowWhenOneCannotBeWritten() {
    mayWrite.countDown();
    writer.start();
    writer.doAppend(event("before"));
    var broken = event("broken");
    broken.addKeyValuePair(
        new KeyValuePair(
            "value",
            new Object() {
              @Override
              public String toString() {
                throw new IllegalStateException("no text");
              }
            }));
    writer.doAppend(broken);
    writer.doAppend(event("after"));
    writer.stop();
    assertThat(lines()).containsExactly("before", "after");
  }

  @Test
  void goesOnAfterAnErrorOfAFormatAndOfAnOutput() {
    var calls = new AtomicInteger();
    LineFormat broken =
        (event, lines) -> {
          if (event.getMessage().equals("broken")) {
            throw new StackOverflowError("a bug");
          }
          LineFormat.of(encoder()).write(event, lines);
        };
    var out =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("never called");
          }

          @Override
          public void write(byte[] bytes, int from, int count) throws IOException {
            if (calls.getAndIncrement() == 0) {
              throw new IOException("No space left on device");
            }
            written.write(bytes, from, count);
          }
        };
    LogWriter some = writer(broken, out);
    some.start();
    some.doAppend(event("broken"));
    for (int i = 0; i < 2 * LogWriter.BATCH; i++) {
      some.doAppend(event("line"));
    }
    some.stop();
    assertThat(lines()).contains("line");
    assertThat(written.toString(UTF_8)).contains("log_lines_dropped count=");
  }

  @Test
  void writesSomeStackTracesAMinuteAndCountsTheRest() {
    mayWrite.countDown();
    writer.start();
    for (int i = 0; i < 2_000; i++) {
      LoggingEvent event = event("failed", new IllegalStateException("why"));
      event.setInstant(Instant.ofEpochSecond(60));
      writer.doAppend(event);
    }
    LoggingEvent later = event("later", new IllegalStateException("why"));
    later.setInstant(Instant.ofEpochSecond(120));
    writer.doAppend(later);
    writer.doAppend(event("without"));
    writer.stop();
    assertThat(lines().stream().filter("failed"::equals)).hasSize(TraceLimit.MOST_IN_A_MINUTE);
    assertThat(lines()).contains("later", "without");
    assertThat(lines().stream().filter(line -> line.startsWith("log_lines_dropped"))).isNotEmpty();
  }

  @Test
  void writesNoSecret() {
    mayWrite.countDown();
    writer.start();
    writer.redact(Redactor.NONE.with(new Secret("a-key-0123456789")));
    writer.doAppend(event("asked for a-key-0123456789 and \\u0061-key-0123456789"));
    writer.stop();
    assertThat(lines()).containsExactly("asked for ...6789 (len=16) and ...6789 (len=16)");
  }

  @Test
  void livesThroughAnOutputThatIsClosed() {
    var closed =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("closed");
          }
        };
    LogWriter broken = writer(closed);
    broken.start();
    broken.doAppend(event("lost"));
    broken.stop();
    assertThat(broken.isStarted()).isFalse();
  }

  private LogWriter writer(OutputStream out) {
    return writer(LineFormat.of(encoder()), out);
  }

  private LogWriter writer(LineFormat format, OutputStream out) {
    // Nothing here may depend on when it has gathered enough.
    var made = new LogWriter(format, out, Duration.ofHours(1));
    made.setContext(context);
    return made;
  }

  private PatternLayoutEncoder encoder() {
    context.setMDCAdapter(new LogbackMDCAdapter());
    var encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setPattern("%msg %kvp{NONE}%n%nopex");
    encoder.start();
    return encoder;
  }

  private LoggingEvent event(String message) {
    return event(message, null);
  }

  private LoggingEvent event(String message, @Nullable Throwable thrown) {
    return new LoggingEvent(
        "caller", context.getLogger("test"), Level.INFO, message, thrown, new Object[0]);
  }

  private List<String> lines() {
    return written.toString(UTF_8).lines().map(String::strip).toList();
  }

  /** An output that takes nothing until it may. */
  private final class Gated extends OutputStream {
    @Override
    public void write(int b) {
      written.write(b);
    }

    @Override
    public void write(byte[] bytes, int from, int count) {
      writing.countDown();
      boolean interrupted = false;
      while (mayWrite.getCount() > 0) {
        try {
          mayWrite.await();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      written.write(bytes, from, count);
      for (int i = from; i < from + count; i++) {
        if (bytes[i] == '\n') {
          nearlyAll.countDown();
        }
      }
    }
  }
}

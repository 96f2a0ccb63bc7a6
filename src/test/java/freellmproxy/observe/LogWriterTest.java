package freellmproxy.observe;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
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
    context.setMDCAdapter(new LogbackMDCAdapter());
    var encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setPattern("%msg %kvp{NONE}%n");
    encoder.start();
    // Nothing here may depend on when it has gathered enough.
    var made = new LogWriter(LineFormat.of(encoder), out, Duration.ofHours(1));
    made.setContext(context);
    return made;
  }

  private LoggingEvent event(String message) {
    return new LoggingEvent(
        "caller", context.getLogger("test"), Level.INFO, message, null, new Object[0]);
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

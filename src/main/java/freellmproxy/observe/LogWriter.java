package freellmproxy.observe;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.UnsynchronizedAppenderBase;
import freellmproxy.api.OwnFault;
import freellmproxy.config.Redactor;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.event.KeyValuePair;

/**
 * Formats and writes log lines on a thread of its own, many lines with one system call, so that an
 * event loop neither waits for a terminal nor pays for one. Logback's own asynchronous appender
 * still writes line by line.
 *
 * <p>The queue is bounded: while it is full, lines are dropped and counted, and a {@code
 * log_lines_dropped} line says how many as soon as there is room. So are lines that could not be
 * written, and those with a stack trace that a {@link TraceLimit} stops. Serving goes before
 * logging.
 */
final class LogWriter extends UnsynchronizedAppenderBase<ILoggingEvent> {
  /** Lines that may wait: half a second of the fastest machine measured. */
  static final int CAPACITY = 8_192;

  /** Lines taken from the queue at once. */
  static final int BATCH = 512;

  /**
   * Lines after which the core is offered to others. What has gathered at thousands of requests a
   * second takes a good part of a millisecond, and so long Linux lets a thread run that has only
   * begun, while an event loop that was woken on the same core waits.
   */
  private static final int LINES_IN_A_GO = 4;

  /** Written with one system call. */
  private static final int BATCH_BYTES = 64 << 10;

  /**
   * A lone line is written at once; those that follow gather for this long, unseen by who reads
   * along. Waking the thread for a few lines costs several times what they do; writing very many
   * holds up the requests that come meanwhile.
   */
  private static final Duration GATHER = Duration.ofMillis(10);

  /** A reader that does not read our output must not keep the process from ending. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(2);

  private final BlockingQueue<ILoggingEvent> queue = new ArrayBlockingQueue<>(CAPACITY);
  private final AtomicLong dropped = new AtomicLong();
  private final LineFormat format;
  private final OutputStream out;
  private final Duration gather;
  private final ByteArrayOutputStream lines = new ByteArrayOutputStream(BATCH_BYTES / 8);
  private final Thread writer = new Thread(this::writeAll, "log");
  private final TraceLimit traces = new TraceLimit();
  private volatile Redactor redactor = Redactor.NONE;
  private volatile boolean stopping;

  /** In {@link #lines}. */
  private long lineCount;

  /** Writes to {@code out} what {@code format} makes of events. */
  LogWriter(LineFormat format, OutputStream out) {
    this(format, out, GATHER);
  }

  /** The same, with another time to gather. */
  LogWriter(LineFormat format, OutputStream out, Duration gather) {
    this.format = format;
    this.out = out;
    this.gather = gather;
    writer.setDaemon(true);
  }

  @Override
  public void start() {
    super.start();
    writer.start();
  }

  /** From now on takes these secrets out of all lines. */
  void redact(Redactor secrets) {
    redactor = secrets;
  }

  /** Never throws: who logs has better things to do than to handle that. */
  @Override
  protected void append(ILoggingEvent event) {
    try {
      event.prepareForDeferredProcessing();
      boolean mayBeWritten =
          event.getThrowableProxy() == null || traces.allows(event.getTimeStamp());
      if (!mayBeWritten || !queue.offer(event)) {
        dropped.incrementAndGet();
      }
    } catch (Throwable bug) {
      OwnFault.of(bug);
      dropped.incrementAndGet();
    }
  }

  /** Writes what still waits, for two seconds at most. */
  @Override
  public void stop() {
    super.stop();
    stopping = true;
    writer.interrupt();
    try {
      writer.join(LAST_WORDS.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void writeAll() {
    List<ILoggingEvent> batch = new ArrayList<>(BATCH);
    while (true) {
      try {
        batch.add(queue.take());
        do {
          write(batch);
          // A batch for each time to gather would be less than what comes.
        } while (queue.size() >= BATCH);
        TimeUnit.MILLISECONDS.sleep(gather.toMillis());
      } catch (InterruptedException e) {
        if (stopping) {
          break;
        }
      }
    }
    while (!queue.isEmpty() || !batch.isEmpty()) {
      write(batch);
    }
  }

  private void write(List<ILoggingEvent> batch) {
    queue.drainTo(batch, BATCH - batch.size());
    long lost = dropped.getAndSet(0);
    if (lost > 0) {
      encode(droppedLine(lost));
    }
    int encoded = 0;
    for (ILoggingEvent event : batch) {
      encode(event);
      // Who gives way on a machine that is busy throughout would fall behind, and lines be dropped.
      if (++encoded % LINES_IN_A_GO == 0 && queue.size() < BATCH) {
        letOthersRun();
      }
      if (lines.size() >= BATCH_BYTES) {
        writeLines();
      }
    }
    batch.clear();
    writeLines();
  }

  /** Only ever a hint, which is all that is meant; nothing is right or wrong by it. */
  @SuppressWarnings("ThreadPriorityCheck")
  private static void letOthersRun() {
    Thread.yield();
  }

  private void writeLines() {
    try {
      out.write(redactor.redact(lines.toByteArray()));
      out.flush();
    } catch (Throwable fault) {
      // A disk may have room again later.
      addError("log lines could not be written", OwnFault.of(fault));
      dropped.addAndGet(lineCount);
    }
    lines.reset();
    lineCount = 0;
  }

  /** One line that cannot be written must not cost all that follow. */
  private void encode(ILoggingEvent event) {
    try {
      format.write(event, lines);
      lineCount++;
    } catch (Throwable bug) {
      addError("a log line could not be encoded", OwnFault.of(bug));
      dropped.incrementAndGet();
    }
  }

  private LoggingEvent droppedLine(long count) {
    var logger = ((LoggerContext) getContext()).getLogger(LogWriter.class);
    var event =
        new LoggingEvent(
            LogWriter.class.getName(), logger, Level.WARN, "log_lines_dropped", null, null);
    event.addKeyValuePair(new KeyValuePair("count", count));
    return event;
  }
}

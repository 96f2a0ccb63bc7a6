package freellmproxy.observe;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.core.spi.ContextAwareBase;
import freellmproxy.config.Settings.LogLevel;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import net.logstash.logback.composite.loggingevent.KeyValuePairsJsonProvider;
import net.logstash.logback.composite.loggingevent.LogLevelJsonProvider;
import net.logstash.logback.composite.loggingevent.LoggerNameJsonProvider;
import net.logstash.logback.composite.loggingevent.LoggingEventFormattedTimestampJsonProvider;
import net.logstash.logback.composite.loggingevent.MessageJsonProvider;
import net.logstash.logback.composite.loggingevent.StackTraceJsonProvider;
import net.logstash.logback.encoder.LoggingEventCompositeJsonEncoder;
import org.slf4j.LoggerFactory;

/**
 * One JSON object a line on stdout: {@code ts, level, logger, event}, then fields (contract section
 * 10). Found by logback as a service; in code rather than XML, which costs start-up time.
 */
public final class JsonLogging extends ContextAwareBase implements Configurator {

  @Override
  public ExecutionStatus configure(LoggerContext context) {
    var encoder = new LoggingEventCompositeJsonEncoder();
    encoder.setContext(context);
    var timestamp = new LoggingEventFormattedTimestampJsonProvider();
    timestamp.setFieldName("ts");
    timestamp.setPattern("[ISO_INSTANT]");
    timestamp.setTimeZone("UTC");
    var logger = new LoggerNameJsonProvider();
    logger.setFieldName("logger");
    var event = new MessageJsonProvider();
    event.setFieldName("event");
    encoder.getProviders().addProvider(timestamp);
    encoder.getProviders().addProvider(new LogLevelJsonProvider());
    encoder.getProviders().addProvider(logger);
    encoder.getProviders().addProvider(event);
    encoder.getProviders().addProvider(new KeyValuePairsJsonProvider());
    encoder.getProviders().addProvider(new StackTraceJsonProvider());
    encoder.start();
    var appender = new LogWriter(encoder, new FileOutputStream(FileDescriptor.out));
    appender.setContext(context);
    appender.start();
    var root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.addAppender(appender);
    root.setLevel(Level.INFO);
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }

  /** Applies {@code LOG_LEVEL} to what this project logs; libraries speak up from WARN on. */
  public static void level(LogLevel level) {
    var context = (LoggerContext) LoggerFactory.getILoggerFactory();
    Level own = Level.valueOf(level.name());
    context.getLogger("freellmproxy").setLevel(own);
    context
        .getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)
        .setLevel(own.isGreaterOrEqual(Level.WARN) ? own : Level.WARN);
  }

  /** Writes what is still to be written; to be called before the process ends. */
  public static void stop() {
    ((LoggerContext) LoggerFactory.getILoggerFactory()).stop();
  }
}

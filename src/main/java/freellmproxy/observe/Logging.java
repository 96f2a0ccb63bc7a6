package freellmproxy.observe;

import static java.nio.charset.StandardCharsets.UTF_8;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.core.spi.ContextAwareBase;
import freellmproxy.config.Redactor;
import freellmproxy.config.Settings.LogFormat;
import freellmproxy.config.Settings.LogLevel;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.time.ZoneId;
import java.util.Optional;
import org.slf4j.LoggerFactory;

/**
 * One JSON object a line on stdout: {@code ts, level, logger, event}, then fields (contract section
 * 10); plain lines for people where {@code LOG_FORMAT} says so. Found by logback as a service; in
 * code rather than XML, which costs start-up time.
 */
public final class Logging extends ContextAwareBase implements Configurator {

  @Override
  public ExecutionStatus configure(LoggerContext context) {
    write(context, new JsonLines());
    root(context).setLevel(Level.INFO);
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }

  private static void write(LoggerContext context, LineFormat format) {
    var appender = new LogWriter(format, new FileOutputStream(FileDescriptor.out));
    appender.setContext(context);
    appender.start();
    root(context).detachAndStopAllAppenders();
    root(context).addAppender(appender);
  }

  private static Logger root(LoggerContext context) {
    return context.getLogger(Logger.ROOT_LOGGER_NAME);
  }

  private static LoggerContext context() {
    return (LoggerContext) LoggerFactory.getILoggerFactory();
  }

  /** Applies {@code LOG_FORMAT}: logging begins in JSON, since that needs no decision. */
  public static void format(LogFormat format) {
    if (isText(format)) {
      LoggerContext context = context();
      write(context, textLines(context));
    }
  }

  /** One line for people; what stands in for a control character is a question mark. */
  static LineFormat textLines(LoggerContext context) {
    var encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    // Line ends and terminal codes in a client's words would make lines of their own. A trace has
    // line ends; without %nopex logback would add it again, as it is.
    encoder.setPattern(
        ("%%d{HH:mm:ss} %%-5level "
                + "%%.-%dreplace(%%msg %%kvp{NONE}){'[\\p{Cc}\\u2028\\u2029]', '?'}%%n"
                + "%%.-%dreplace(%%ex){'[\\p{Cc}&&[^\\r\\n\\t]]', '?'}%%nopex")
            .formatted(LineFormat.LONGEST_TEXT, LineFormat.LONGEST_TRACE));
    encoder.start();
    LineFormat others = LineFormat.of(encoder);
    return (event, lines) -> {
      if (RequestLine.EVENT.equals(event.getMessage())) {
        lines.writeBytes(RequestLine.of(event, ZoneId.systemDefault()).getBytes(UTF_8));
      } else {
        others.write(event, lines);
      }
    };
  }

  /** Whether people read along. */
  public static boolean isText(LogFormat format) {
    return switch (format) {
      case TEXT -> true;
      case JSON -> false;
      case AUTO -> Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    };
  }

  /** Applies {@code LOG_LEVEL} to what this project logs; libraries speak up from WARN on. */
  public static void level(LogLevel level) {
    Level own = Level.valueOf(level.name());
    context().getLogger("freellmproxy").setLevel(own);
    root(context()).setLevel(own.isGreaterOrEqual(Level.WARN) ? own : Level.WARN);
  }

  /** From now on takes these secrets, and no others, out of all lines. */
  public static void redact(Redactor secrets) {
    root(context())
        .iteratorForAppenders()
        .forEachRemaining(appender -> {
          if (appender instanceof LogWriter writer) {
            writer.redact(secrets);
          }
        });
  }

  /** Writes what is still to be written; to be called before the process ends. */
  public static void stop() {
    context().stop();
  }
}

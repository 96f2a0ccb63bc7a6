package freellmproxy;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What SIGHUP means: for a service, that its settings have changed; for a program in a terminal,
 * that the terminal was closed and it should end.
 */
final class Sighup {
  private static final Logger LOG = LoggerFactory.getLogger(Sighup.class);
  private static final Path TERMINAL = Path.of("/dev/tty");

  private Sighup() {}

  /**
   * Replaces what the JVM would do, which is to end. Where there is no such signal, or whoever
   * started the process has it ignored, as {@code nohup} does, nothing changes.
   *
   * @param reload called on a thread that may block
   */
  static void handle(Runnable reload, Runnable end) {
    boolean hadTerminal = hasTerminal();
    Runnable action =
        () -> {
          if (hadTerminal && !hasTerminal()) {
            end.run();
          } else {
            reload.run();
          }
        };
    try {
      onSignal("HUP", action);
    } catch (InvocationTargetException e) {
      // Windows has no such signal, and -Xrs leaves it to the system.
      LOG.atDebug().addKeyValue("reason", String.valueOf(e.getCause())).log("no_sighup");
    } catch (ReflectiveOperationException e) {
      LOG.atDebug().addKeyValue("reason", String.valueOf(e)).log("no_sighup");
    }
  }

  /**
   * The JDK's only way to hear a signal is {@code sun.misc.Signal}, of the module jdk.unsupported.
   * By name, since the compiler would warn of each use and the warning cannot be suppressed.
   */
  private static void onSignal(String name, Runnable action) throws ReflectiveOperationException {
    Class<?> signal = Class.forName("sun.misc.Signal");
    Class<?> handler = Class.forName("sun.misc.SignalHandler");
    Object ours =
        Proxy.newProxyInstance(
            Sighup.class.getClassLoader(),
            new Class<?>[] {handler},
            (self, method, arguments) -> {
              if (method.getName().equals("handle")) {
                action.run();
              }
              return null;
            });
    Method handle = signal.getMethod("handle", signal, handler);
    handle.invoke(null, signal.getConstructor(String.class).newInstance(name), ours);
  }

  /** The controlling terminal cannot be opened any more once it has hung up. */
  private static boolean hasTerminal() {
    try (var _ = Files.newInputStream(TERMINAL)) {
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}

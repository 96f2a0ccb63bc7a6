package freellmproxy;

import freellmproxy.config.Settings.Listen;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the port of an option. */
final class PortNumber implements ITypeConverter<Integer> {

  @Override
  public Integer convert(String text) {
    if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) > Listen.MAX_PORT) {
      throw new TypeConversionException("'" + text + "' is no port from 0 to " + Listen.MAX_PORT);
    }
    return Integer.valueOf(text);
  }
}

package freellmproxy;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the port of an option. */
final class PortNumber implements ITypeConverter<Integer> {
  static final int LARGEST = 65_535;

  @Override
  public Integer convert(String text) {
    if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) > LARGEST) {
      throw new TypeConversionException("'" + text + "' is no port from 0 to " + LARGEST);
    }
    return Integer.valueOf(text);
  }
}

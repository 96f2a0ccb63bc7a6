package freellmproxy;

import freellmproxy.config.Settings.Listen;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the address of a proxy as an option gives it: what stands before {@code /v1}. */
final class ProxyUrl implements ITypeConverter<String> {

  @Override
  public String convert(String text) {
    String address = text.replaceFirst("(?:(?:/+api)?/+v1)?/*$", "");
    if (!isAddress(address)) {
      // Without the text: it may have a password in it.
      throw new TypeConversionException("use an address such as http://localhost:8080");
    }
    return address;
  }

  private static boolean isAddress(String text) {
    try {
      // As a URI would not, a URL knows host and port where a name has an underscore.
      URL url = new URI(text).toURL();
      return url.getProtocol().matches("https?")
          && !url.getHost().isEmpty()
          && url.getPort() != 0
          && url.getPort() <= Listen.MAX_PORT
          && url.getUserInfo() == null
          && url.getQuery() == null
          && url.getRef() == null;
    } catch (URISyntaxException | MalformedURLException | IllegalArgumentException e) {
      return false;
    }
  }
}

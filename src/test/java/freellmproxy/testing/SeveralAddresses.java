package freellmproxy.testing;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolver.LookupPolicy;
import java.net.spi.InetAddressResolverProvider;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Names with the addresses that are written in them, as a name server knows such; all others are
 * looked up as ever. Java finds it by {@code META-INF/services}.
 */
public final class SeveralAddresses extends InetAddressResolverProvider {
  private static final String DOMAIN = ".several.test";

  /** A name of which nothing is ever said. */
  public static final String SILENT = "silent" + DOMAIN;

  /** The name of these IPv4 addresses, in this order. */
  public static String name(String... addresses) {
    return Arrays.stream(addresses)
            .map(address -> address.replace('.', '-'))
            .collect(Collectors.joining("."))
        + DOMAIN;
  }

  @Override
  public InetAddressResolver get(Configuration configuration) {
    InetAddressResolver builtin = configuration.builtinResolver();
    return new InetAddressResolver() {
      @Override
      public Stream<InetAddress> lookupByName(String host, LookupPolicy policy)
          throws UnknownHostException {
        if (host.equals(SILENT)) {
          return neverTold(host);
        }
        return host.endsWith(DOMAIN) ? written(host) : builtin.lookupByName(host, policy);
      }

      @Override
      public String lookupByAddress(byte[] address) throws UnknownHostException {
        return builtin.lookupByAddress(address);
      }
    };
  }

  /** Until the thread is interrupted, as it is when its Vert.x is closed. */
  private static Stream<InetAddress> neverTold(String host) throws UnknownHostException {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    }
    throw new UnknownHostException(host);
  }

  private static Stream<InetAddress> written(String host) throws UnknownHostException {
    String[] texts = host.substring(0, host.length() - DOMAIN.length()).split("\\.", -1);
    var addresses = new InetAddress[texts.length];
    for (int i = 0; i < texts.length; i++) {
      String[] numbers = texts[i].split("-", -1);
      byte[] bytes = new byte[numbers.length];
      for (int j = 0; j < bytes.length; j++) {
        bytes[j] = (byte) Integer.parseInt(numbers[j]);
      }
      addresses[i] = InetAddress.getByAddress(host, bytes);
    }
    return Stream.of(addresses);
  }

  @Override
  public String name() {
    return "names with their addresses in them";
  }
}

package freellmproxy.doctor;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * What the doctor looks at beside the network.
 *
 * @param environment names and values, as the process got them
 * @param dotEnv where the settings file is looked for
 * @param heapBytes as much as Java may use for objects
 * @param openFiles what is odd about how many files may be open
 * @param patience how long one answer is waited for
 */
public record Surroundings(
    Map<String, String> environment,
    Path dotEnv,
    Runtime.Version java,
    long heapBytes,
    Optional<String> openFiles,
    Duration patience) {
  public Surroundings {
    environment = Map.copyOf(environment);
    dotEnv = dotEnv.toAbsolutePath().normalize();
  }
}

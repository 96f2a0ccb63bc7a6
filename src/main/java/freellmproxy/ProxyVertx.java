package freellmproxy;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;

/** Vert.x as the proxy wants it. */
public final class ProxyVertx {
  private ProxyVertx() {}

  static {
    // Netty's newer allocator takes a heap of 512 MB for a small machine and then asks the system
    // for every buffer above 16 KB, which was a third of what a body of 76 KB cost; and it gives
    // large chunks back too soon without that. Arenas of 1 MB keep what a handful of bodies need.
    setDefault("io.netty.allocator.type", "pooled");
    setDefault("io.netty.allocator.maxOrder", "7");
    // An event loop keeps sixteen buffers of each size from 32 KB up to there for its next bodies,
    // as many as it often has at once. By default it keeps none above, and going to an arena for
    // them is 2 % of what 76 KB cost.
    setDefault("io.netty.allocator.maxCachedBufferCapacity", "131072");
    setDefault("io.netty.allocator.normalCacheSize", "16");
    // Events for Java's flight recorder cost a hundred classes at each start.
    setDefault("io.netty.jfr.enabled", "false");
    // Vert.x would take the time before each of the 15 steps of a request, for warnings of event
    // loops that are blocked (docs/decisions/0021).
    setDefault("vertx.disableContextTimings", "true");
  }

  private static void setDefault(String property, String value) {
    System.getProperties().putIfAbsent(property, value);
  }

  /** One event loop a core, epoll where it can be had, nothing written to disk. */
  public static Vertx create() {
    return Vertx.vertx(
        new VertxOptions()
            .setPreferNativeTransport(true)
            .setEventLoopPoolSize(Runtime.getRuntime().availableProcessors())
            .setWorkerPoolSize(4)
            .setInternalBlockingPoolSize(4)
            .setFileSystemOptions(
                new FileSystemOptions()
                    .setFileCachingEnabled(false)
                    .setClassPathResolvingEnabled(false)));
  }
}

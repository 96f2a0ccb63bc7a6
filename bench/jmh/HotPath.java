package bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import freellmproxy.catalog.Catalog;
import freellmproxy.catalog.CatalogParser;
import freellmproxy.chat.ChatRequest;
import freellmproxy.chat.RequestScan;
import freellmproxy.chat.RequestScanner;
import freellmproxy.routing.CandidateSelector;
import freellmproxy.sse.SseParser;
import freellmproxy.upstream.ChatChunk;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.time.Instant;
import java.util.Collections;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.*;
import org.openjdk.jmh.infra.Blackhole;

/** What the proxy does by itself for a request and for an event; bench/jmh runs it. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
public class HotPath {

  @State(Scope.Benchmark)
  public static class Bodies {
    @Param({"2000", "76000", "1000000"})
    int size;

    /** Prose; code, with an escape every line; code behind the tools of a coding agent. */
    @Param({"plain", "code", "agent"})
    String text;

    ByteBuf body;
    final RequestScanner scanner = new RequestScanner();

    @Setup
    public void make() {
      String line = text.equals("plain")
          ? "How vexingly quick daft zebras jump. "
          : "    if (name.equals(\\\"zebra\\\")) {\\n      jump();\\n";
      String tools = text.equals("agent") ? tools() : "{\"type\":\"function\"}";
      String content = line.repeat(Math.max(1, (size - tools.length()) / line.length()));
      byte[] bytes =
          ("{\"model\":\"auto\",\"stream\":true,\"tools\":["
                  + tools
                  + "],\"messages\":[{\"role\":\"user\",\"content\":\""
                  + content
                  + "\"}]}")
              .getBytes(UTF_8);
      body = Unpooled.directBuffer(bytes.length).writeBytes(bytes);
    }

    /** Some 35 KB, also where less is asked for: many short strings, which cost more than a long one of that length. */
    private static String tools() {
      String argument =
          "\"path\":{\"type\":\"string\",\"description\":\"The absolute path of the file that it is done to, as in \\\"/src/main.py\\\".\"}";
      String tool =
          "{\"type\":\"function\",\"function\":{\"name\":\"read_file\",\"description\":\""
              + "Does one thing to one file, and says what came of it.\\n".repeat(35)
              + "No more \u2014 and no less.\",\"parameters\":{\"type\":\"object\",\"required\":[\"path\"],\"additionalProperties\":false,\"properties\":{"
              + String.join(",", Collections.nCopies(4, argument))
              + "}}}}";
      return String.join(",", Collections.nCopies(14, tool));
    }
  }

  @State(Scope.Benchmark)
  public static class Lists {
    @Param({"6", "500"})
    int models;

    final CandidateSelector selector = new CandidateSelector();
    Catalog catalog;
    ChatRequest request;

    @Setup
    public void make() {
      var json = new StringBuilder("{\"models\":[");
      for (int i = 0; i < models; i++) {
        json.append(i == 0 ? "" : ",")
            .append("{\"id\":\"bench/m" + i + ":free\",\"rank\":" + (i + 1) + ",\"supportsTools\":true}");
      }
      var read = new CatalogParser(id -> true).parse(json.append("]}").toString().getBytes(UTF_8));
      catalog = new Catalog(1, Instant.EPOCH, ((CatalogParser.Result.Parsed) read).models());
      var body = "{\"tools\":[{\"type\":\"function\"}],\"messages\":[{}]}".getBytes(UTF_8);
      var scanned = new RequestScanner().scan(Unpooled.wrappedBuffer(body));
      request = ((RequestScan.Result.Scanned) scanned).request();
    }
  }

  private static final byte[] EVENTS =
      "data: {\"id\":\"gen-1\",\"object\":\"chat.completion.chunk\",\"created\":1763990000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\" token\"},\"finish_reason\":null}]}\n\n"
          .repeat(10)
          .getBytes(UTF_8);

  @Benchmark
  public Object scanRequest(Bodies bodies) {
    return bodies.scanner.scan(bodies.body);
  }

  @Benchmark
  public Object selectCandidates(Lists lists) {
    return lists.selector.select(lists.catalog, lists.request.requirements());
  }

  /** Ten events from bytes to bytes: parsed, judged, encoded. */
  @Benchmark
  @OperationsPerInvocation(10)
  public void relayEvent(Blackhole hole) {
    new SseParser(1 << 20).feed(EVENTS, event -> {
      hole.consume(ChatChunk.ofEvent(event.data()));
      hole.consume(event.encoded());
    });
  }
}

package freellmproxy.chat;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A chat request: the client's bytes and the few facts the proxy routes on. The OpenAI schema is
 * not modelled, so whatever clients send next year passes through.
 *
 * <p>The bytes stay where they were received, outside the heap, until {@link #release}. For one
 * event loop.
 */
public final class ChatRequest {
  /** What a client is told to ask for. */
  private static final Set<String> ANY_MODEL = Set.of("auto", "free-model");

  /** Sending a buffer made of parts costs more than a copy of so many bytes. */
  private static final int LARGEST_COPIED = 8 << 10;

  private final ByteBuf body;

  /** All of the body but its model values, one of which belongs between each two. */
  private final List<Span> kept;

  private final boolean namesModel;
  private final @Nullable String model;
  private final boolean stream;
  private final Requirements requirements;
  private final Set<Trait> traits;
  private final @Nullable PaidFeature paidFeature;
  private final Providers providers;
  private final int toolsStart;
  private final int toolsEnd;
  private boolean released;

  ChatRequest(ByteBuf body, ScannedFields fields) {
    this.body = body;
    this.kept = kept(fields, body.readableBytes());
    this.namesModel = !fields.modelValues.isEmpty();
    this.model = fields.model;
    this.stream = fields.stream;
    this.requirements = fields.requirements();
    this.traits = Set.copyOf(fields.traits);
    this.paidFeature = fields.paidFeature;
    this.toolsStart = fields.toolsStart;
    this.toolsEnd = fields.toolsEnd;
    this.providers = fields.provider ? Providers.CHOSEN : Providers.ANY;
  }

  /** Some bytes of the body, {@code end} exclusive. */
  record Span(int start, int end) {
    int length() {
      return end - start;
    }
  }

  private static List<Span> kept(ScannedFields fields, int length) {
    if (fields.modelValues.isEmpty()) {
      int gap = fields.firstFieldOffset;
      return List.of(new Span(0, gap), new Span(gap, length));
    }
    var kept = new ArrayList<Span>(fields.modelValues.size() + 1);
    int from = 0;
    for (Span value : fields.modelValues) {
      kept.add(new Span(from, value.start()));
      from = value.end();
    }
    kept.add(new Span(from, length));
    return kept;
  }

  /** What logs say about a request, whether or not it could be served (contract section 10). */
  public enum Trait {
    HAD_TOOLS,
    HAD_RESPONSE_FORMAT,
    HAD_SEED,
    HAD_STOP
  }

  public boolean stream() {
    return stream;
  }

  public Requirements requirements() {
    return requirements;
  }

  public Set<Trait> traits() {
    return traits;
  }

  /**
   * The model the client named, or the beginning of a long name, where that is worth a log line:
   * {@code auto}, an empty name and no name at all are the normal case.
   */
  public Optional<String> ignoredModel() {
    return Optional.ofNullable(model).filter(name -> !name.isEmpty() && !ANY_MODEL.contains(name));
  }

  /** What could make OpenRouter charge money (contract section 9, {@code FREE_ONLY}). */
  public Optional<PaidFeature> paidFeature() {
    return Optional.ofNullable(paidFeature);
  }

  /** Reads the tools that it offers; not to be asked when it has been released. */
  public OfferedTools offeredTools() {
    int length = toolsEnd - toolsStart;
    if (length == 0 || length > OfferedTools.LARGEST) {
      return OfferedTools.UNKNOWN;
    }
    byte[] tools = new byte[length];
    body.getBytes(body.readerIndex() + toolsStart, tools);
    return OfferedTools.read(tools);
  }

  public Providers providers() {
    return providers;
  }

  /** Gives the bytes back; what {@link #bodyFor} has lent keeps them until it is released too. */
  public void release() {
    if (!released) {
      released = true;
      body.release();
    }
  }

  /**
   * The body with {@code modelId} as its model and every other byte as it came. Shares the client's
   * bytes where a copy would cost more; whoever asks for it releases it when it is sent.
   */
  public ByteBuf bodyFor(String modelId) {
    String value = '"' + new String(JsonStringEncoder.getInstance().quoteAsString(modelId)) + '"';
    byte[] between = (namesModel ? value : "\"model\":" + value + ",").getBytes(UTF_8);
    return body.readableBytes() <= LARGEST_COPIED ? copied(between) : shared(between);
  }

  private ByteBuf copied(byte[] between) {
    int length = body.readableBytes() + between.length * (kept.size() - 1);
    ByteBuf whole = body.alloc().directBuffer(length);
    for (Span span : kept) {
      if (span.start() > 0) {
        whole.writeBytes(between);
      }
      whole.writeBytes(body, body.readerIndex() + span.start(), span.length());
    }
    return whole;
  }

  private ByteBuf shared(byte[] between) {
    CompositeByteBuf whole = Unpooled.compositeBuffer(2 * kept.size());
    for (Span span : kept) {
      if (span.start() > 0) {
        whole.addComponent(true, outsideHeap(between));
      }
      int start = body.readerIndex() + span.start();
      whole.addComponent(true, body.retainedSlice(start, span.length()));
    }
    return whole;
  }

  /** A buffer with one part on the heap would be copied as a whole before it is sent. */
  private ByteBuf outsideHeap(byte[] part) {
    return body.alloc().directBuffer(part.length).writeBytes(part);
  }
}

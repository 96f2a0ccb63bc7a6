package freellmproxy.chat;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A chat request: the client's bytes and the few facts the proxy routes on. The OpenAI schema is
 * not modelled, so whatever clients send next year passes through.
 *
 * <p>The bytes stay where they were received, outside the heap, until {@link #release}. For one
 * event loop.
 */
public final class ChatRequest {
  private static final byte[] NEW_MODEL_FIELD = "\"model\":".getBytes(UTF_8);
  private static final byte[] NEXT_FIELD = {','};

  private final ByteBuf body;
  private final List<Span> modelValues;
  private final int firstFieldOffset;
  private final @Nullable String model;
  private final boolean stream;
  private final Requirements requirements;
  private final Set<Trait> traits;
  private final Set<String> paidFields;
  private final Providers providers;
  private boolean released;

  ChatRequest(ByteBuf body, ScannedFields fields) {
    this.body = body;
    this.modelValues = List.copyOf(fields.modelValues);
    this.firstFieldOffset = fields.firstFieldOffset;
    this.model = fields.model;
    this.stream = fields.stream;
    this.requirements = fields.requirements();
    this.traits = Set.copyOf(fields.traits);
    this.paidFields = Set.copyOf(fields.paidFields);
    this.providers = fields.provider ? Providers.CHOSEN : Providers.ANY;
  }

  /** The bytes of one JSON value in the body, {@code end} exclusive. */
  record Span(int start, int end) {}

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
   * The model the client named, where that is worth a log line: {@code auto}, an empty name and no
   * name at all are the normal case.
   */
  public Optional<String> ignoredModel() {
    return Optional.ofNullable(model).filter(name -> !name.isEmpty() && !name.equals("auto"));
  }

  /** Fields that could make OpenRouter charge money (contract section 9, {@code FREE_ONLY}). */
  public Set<String> paidFields() {
    return paidFields;
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
   * bytes, copies nothing; whoever asks for it releases it when it is sent.
   */
  public ByteBuf bodyFor(String modelId) {
    byte[] value = quoted(modelId);
    CompositeByteBuf whole = Unpooled.compositeBuffer(2 * modelValues.size() + 3);
    int from = 0;
    if (modelValues.isEmpty()) {
      from = firstFieldOffset;
      whole.addComponent(true, slice(0, from));
      whole.addComponent(true, outsideHeap(NEW_MODEL_FIELD, value, NEXT_FIELD));
    }
    for (Span span : modelValues) {
      whole.addComponent(true, slice(from, span.start()));
      whole.addComponent(true, outsideHeap(value));
      from = span.end();
    }
    whole.addComponent(true, slice(from, body.readableBytes()));
    return whole;
  }

  /** A buffer with one part on the heap would be copied as a whole before it is sent. */
  private ByteBuf outsideHeap(byte[]... parts) {
    int length = Stream.of(parts).mapToInt(part -> part.length).sum();
    ByteBuf copy = body.alloc().directBuffer(length);
    for (byte[] part : parts) {
      copy.writeBytes(part);
    }
    return copy;
  }

  private static byte[] quoted(String text) {
    return ('"' + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + '"')
        .getBytes(UTF_8);
  }

  private ByteBuf slice(int start, int end) {
    return body.retainedSlice(body.readerIndex() + start, end - start);
  }
}

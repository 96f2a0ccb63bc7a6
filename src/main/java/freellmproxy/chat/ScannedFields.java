package freellmproxy.chat;

import freellmproxy.catalog.Capability;
import freellmproxy.chat.ChatRequest.Span;
import freellmproxy.chat.ChatRequest.Trait;
import freellmproxy.chat.Requirements.Input;
import freellmproxy.json.JsonCursor.Kind;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a scan has seen so far, overwritten when a key comes again. */
final class ScannedFields {
  final List<Span> modelValues = new ArrayList<>(1);
  final Set<Input> inputs = EnumSet.noneOf(Input.class);
  final Set<Trait> traits = EnumSet.noneOf(Trait.class);
  @Nullable PaidFeature paidFeature;
  private final Set<Capability> needs = EnumSet.noneOf(Capability.class);

  int firstFieldOffset;
  @Nullable String model;
  boolean messagesAreArray;
  boolean toolsAreWrong;

  /** Offsets of the value of {@code tools}. */
  int toolsStart;

  int toolsEnd;
  boolean stream;
  private boolean streamIsWrong;
  boolean provider;
  boolean reasoning;
  boolean reasoningEffort;

  void need(Capability capability, boolean needed) {
    put(needs, capability, needed);
  }

  void trait(Trait trait, boolean present) {
    put(traits, trait, present);
  }

  void stream(Kind value) {
    stream = value == Kind.TRUE;
    // The OpenAI schema lets `stream` be null.
    streamIsWrong = !stream && value != Kind.FALSE && value != Kind.NULL;
  }

  Requirements requirements() {
    need(Capability.REASONING, reasoning || reasoningEffort);
    return needs.isEmpty() && inputs.isEmpty()
        ? Requirements.NONE
        : new Requirements(needs, inputs);
  }

  RequestScan.Result check(ByteBuf body) {
    if (!messagesAreArray) {
      return fault("messages", "must be an array of chat messages");
    }
    if (streamIsWrong) {
      return fault("stream", "must be true or false");
    }
    if (toolsAreWrong) {
      return fault("tools", "must be an array");
    }
    return new RequestScan.Result.Scanned(new ChatRequest(body, this));
  }

  private RequestScan.Result fault(String field, String rule) {
    String message = "`%s` %s.".formatted(field, rule);
    return new RequestScan.Result.NotChat(message, field, Set.copyOf(traits));
  }

  private static <T> void put(Set<T> set, T element, boolean present) {
    if (present) {
      set.add(element);
    } else {
      set.remove(element);
    }
  }
}

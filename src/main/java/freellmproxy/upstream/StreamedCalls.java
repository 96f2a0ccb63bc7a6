package freellmproxy.upstream;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The tool calls of one stream: which piece belongs to which of them, and which are whole. */
final class StreamedCalls {
  private final List<Call> calls = new ArrayList<>(2);

  private static final class Call {
    /** As the upstream has it. */
    private final int upstreamIndex;

    /** As the client gets it. */
    private final int index;

    private String id = "";
    private String name = "";
    private final JsonProgress arguments = new JsonProgress();

    Call(int upstreamIndex, int index) {
      this.upstreamIndex = upstreamIndex;
      this.index = index;
    }

    void take(ToolCallPiece piece, byte[] data) {
      id = id.isEmpty() ? piece.id() : id;
      name = name.isEmpty() ? piece.name() : name;
      arguments.read(piece.arguments(data));
    }

    /** Whether a piece under the same index begins another call. */
    boolean isFollowedBy(ToolCallPiece piece) {
      if (piece.name().isEmpty() || name.isEmpty()) {
        return false;
      }
      boolean hasIds = !piece.id().isEmpty() && !id.isEmpty();
      return hasIds ? !piece.id().equals(id) : arguments.isWhole();
    }
  }

  /** Takes a piece; returns the index of its call, which is the upstream's where that is right. */
  int place(ToolCallPiece piece, byte[] data) {
    Call call = callOf(piece);
    if (call == null) {
      call = new Call(piece.index(), freeIndex(piece.index()));
      calls.add(call);
    }
    call.take(piece, data);
    return call.index;
  }

  private @Nullable Call callOf(ToolCallPiece piece) {
    @Nullable Call last = null;
    for (Call call : calls) {
      if (call.upstreamIndex == piece.index()) {
        if (!piece.id().isEmpty() && piece.id().equals(call.id)) {
          return call;
        }
        last = call;
      }
    }
    return last != null && !last.isFollowedBy(piece) ? last : null;
  }

  private int freeIndex(int wanted) {
    int above = 0;
    boolean isFree = wanted != ToolCallPiece.NO_INDEX;
    for (Call call : calls) {
      above = Math.max(above, call.index + 1);
      isFree &= call.index != wanted;
    }
    return isFree ? wanted : above;
  }

  boolean isEmpty() {
    return calls.isEmpty();
  }

  /** Whether each call has a name and arguments that are a whole JSON value. */
  boolean areWhole() {
    return calls.stream().allMatch(call -> !call.name.isBlank() && call.arguments.isWhole());
  }
}

package freellmproxy.upstream;

import freellmproxy.json.JsonText;

/**
 * What one element of {@code tool_calls} says: a whole call, or a piece of one in an event.
 *
 * @param start offset of the element
 * @param index {@link #NO_INDEX} when it has none that is a number
 * @param indexStart offset of the index's value, {@link #ABSENT} when there is none
 * @param id empty when it has none
 * @param name of the function; empty when it has none
 * @param says whether it has more than an id and an index
 * @param argumentsStart offset of the string of the arguments, {@link #ABSENT} when they are none
 */
public record ToolCallPiece(
    int start,
    int index,
    int indexStart,
    int indexEnd,
    String id,
    String name,
    boolean says,
    int argumentsStart,
    int argumentsEnd) {
  static final int NO_INDEX = -1;
  static final int ABSENT = -1;

  /** Whether its arguments are a text, as the API has them. */
  public boolean hasArguments() {
    return argumentsStart != ABSENT;
  }

  /** The text of its arguments, or of a piece of them; empty when there is none. */
  public String arguments(byte[] data) {
    return hasArguments() ? JsonText.decode(data, argumentsStart, argumentsEnd) : "";
  }
}

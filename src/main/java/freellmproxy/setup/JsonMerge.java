package freellmproxy.setup;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/** Merges objects field by field; entries of lists are the same when their {@code id} is. */
record JsonMerge(ObjectNode needed) implements Merge {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  static JsonMerge of(String json) {
    try {
      return new JsonMerge((ObjectNode) JSON.readTree(json));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(json, e);
    }
  }

  @Override
  public String into(String old) throws UnmergeableFile {
    ObjectNode before = read(old);
    ObjectNode after = before.deepCopy();
    merge(after, needed);
    return after.equals(before) ? old : print(after);
  }

  private static ObjectNode read(String text) throws UnmergeableFile {
    if (text.isBlank()) {
      return JSON.createObjectNode();
    }
    try {
      if (JSON.readTree(text) instanceof ObjectNode object) {
        return object;
      }
      throw new UnmergeableFile("it is not a JSON object");
    } catch (JsonProcessingException e) {
      throw new UnmergeableFile(
          "it is not plain JSON (line %d; comments count as errors)"
              .formatted(e.getLocation().getLineNr()));
    }
  }

  private static void merge(ObjectNode into, ObjectNode from) throws UnmergeableFile {
    for (Map.Entry<String, JsonNode> field : from.properties()) {
      JsonNode old = into.get(field.getKey());
      JsonNode value = field.getValue();
      if (old == null || !value.isContainerNode()) {
        into.set(field.getKey(), value.deepCopy());
      } else if (old instanceof ObjectNode oldObject && value instanceof ObjectNode object) {
        merge(oldObject, object);
      } else if (old instanceof ArrayNode oldArray && value instanceof ArrayNode array) {
        for (JsonNode entry : array) {
          put(oldArray, entry);
        }
      } else {
        throw new UnmergeableFile("its field \"" + field.getKey() + "\" has another form");
      }
    }
  }

  private static void put(ArrayNode list, JsonNode entry) throws UnmergeableFile {
    for (JsonNode old : list) {
      if (old instanceof ObjectNode before
          && entry instanceof ObjectNode fields
          && before.path("id").equals(fields.path("id"))) {
        merge(before, fields);
        return;
      }
    }
    list.add(entry.deepCopy());
  }

  private static String print(ObjectNode object) {
    var printer =
        new DefaultPrettyPrinter().withArrayIndenter(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE);
    try {
      return JSON.writer(printer).writeValueAsString(object) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can always be written", e);
    }
  }
}

package freellmproxy.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import freellmproxy.json.JsonTree;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Plays a coding agent's model for one small task: asked to write or create something by a client
 * that offers a tool for writing files, it calls that tool; told that it was done, it says so and
 * stops. Everything else is left to another behaviour.
 */
final class AgentTurn implements Behaviour {
  private static final Pattern TASK = Pattern.compile("(?i)\\b(write|create|make|save)\\b");
  private static final Pattern FILE_NAME = Pattern.compile("\\b[\\w-]+\\.[a-z]{1,5}\\b");

  /** Clients tell the model where they work, each in its own words. */
  private static final Pattern FOLDER =
      Pattern.compile(
          "(?i)\\b(?:directory|folder|cwd)\\b[^/<\\n]{0,30}?[\\s\"'`](/[^\\s\"'`<>,;]*)");

  private static final List<String> PATH_NAMES =
      List.of("file_path", "filePath", "filepath", "absolute_path", "path", "filename");

  private final Behaviour otherwise;

  AgentTurn(Behaviour otherwise) {
    this.otherwise = otherwise;
  }

  /** A tool that takes the path of a file and its content. */
  private record WriteTool(String name, String pathName) {}

  @Override
  public List<Step> steps(ReceivedRequest request) {
    return turn(request).orElse(otherwise).steps(request);
  }

  private static Optional<Behaviour> turn(ReceivedRequest request) {
    JsonNode body = parsed(request);
    JsonNode messages = body.path("messages");
    Optional<WriteTool> tool =
        children(body.path("tools"))
            .map(AgentTurn::writeTool)
            .flatMap(Optional::stream)
            .findFirst();
    if (tool.isEmpty()) {
      return Optional.empty();
    }
    if (messages.path(messages.size() - 1).path("role").asText().equals("tool")) {
      return Optional.of(ChatAnswer.text("[sandbox] ", "Done: ", "the file is written."));
    }
    String prompt =
        children(messages)
            .filter(message -> message.path("role").asText().equals("user"))
            .map(AgentTurn::text)
            .reduce("", (first, last) -> last);
    return TASK.matcher(prompt).find()
        ? Optional.of(call(tool.get(), folder(messages) + fileName(prompt)))
        : Optional.empty();
  }

  private static Behaviour call(WriteTool tool, String path) {
    String arguments =
        JsonTree.write(
            JsonTree.object()
                .put(tool.pathName(), path)
                .put("content", "Written by the sandbox of free-llm-proxy.\n"));
    int half = arguments.length() / 2;
    return ChatAnswer.text("[sandbox] I write ", path, ".")
        .thenToolCall(
            "call_sandbox_write",
            tool.name(),
            arguments.substring(0, half),
            arguments.substring(half));
  }

  private static JsonNode parsed(ReceivedRequest request) {
    try {
      return JsonTree.read(request.body());
    } catch (IOException e) {
      return MissingNode.getInstance();
    }
  }

  private static Optional<WriteTool> writeTool(JsonNode tool) {
    JsonNode function = tool.path("function");
    String name = function.path("name").asText();
    JsonNode properties = function.path("parameters").path("properties");
    return name.toLowerCase(Locale.ROOT).contains("write") && properties.has("content")
        ? PATH_NAMES.stream()
            .filter(properties::has)
            .findFirst()
            .map(pathName -> new WriteTool(name, pathName))
        : Optional.empty();
  }

  private static String folder(JsonNode messages) {
    Matcher named =
        FOLDER.matcher(children(messages).map(AgentTurn::text).collect(Collectors.joining("\n")));
    if (!named.find()) {
      return "";
    }
    String folder = named.group(1).replaceFirst("\\.$", "");
    return folder.endsWith("/") ? folder : folder + "/";
  }

  private static String fileName(String prompt) {
    Matcher named = FILE_NAME.matcher(prompt);
    return named.find() ? named.group() : "sandbox.txt";
  }

  /** The content of a message, given as a string or in parts. */
  private static String text(JsonNode message) {
    JsonNode content = message.path("content");
    return content.isTextual()
        ? content.asText()
        : children(content)
            .map(part -> part.path("text").asText())
            .collect(Collectors.joining("\n"));
  }

  private static Stream<JsonNode> children(JsonNode parent) {
    return StreamSupport.stream(parent.spliterator(), false);
  }
}

package freellmproxy.sandbox;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import freellmproxy.json.JsonTree;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Lets people and outside benches script the sandbox over HTTP: {@code PUT} and {@code DELETE
 * /_sandbox/models/{id}} ({@code *} for all without a script), {@code PUT /_sandbox/list}, {@code
 * GET} and {@code DELETE /_sandbox/requests}. {@link FaultReader} says what a script may contain.
 */
final class ControlEndpoint {
  static final String PREFIX = "/_sandbox/";
  private static final String MODELS = PREFIX + "models/";

  /** Stands for every model without a script of its own. */
  private static final String OTHERS = "*";

  private final SandboxUpstream sandbox;

  ControlEndpoint(SandboxUpstream sandbox) {
    this.sandbox = sandbox;
  }

  void handle(HttpServerRequest request, Buffer body) {
    try {
      String path = URLDecoder.decode(request.path(), StandardCharsets.UTF_8);
      if (path.startsWith(MODELS)) {
        script(request, path.substring(MODELS.length()), body);
      } else if (path.equals(PREFIX + "list") && request.method().equals(HttpMethod.PUT)) {
        sandbox.scriptList(Faults.status(200, body.toString()));
        done(request);
      } else if (path.equals(PREFIX + "requests")) {
        requests(request);
      } else {
        fault(request, 404, "no such control");
      }
    } catch (IOException | IllegalArgumentException e) {
      fault(request, 400, "bad script: " + e.getMessage());
    }
  }

  private void script(HttpServerRequest request, String model, Buffer body) throws IOException {
    boolean isForOthers = model.equals(OTHERS);
    if (request.method().equals(HttpMethod.DELETE)) {
      if (isForOthers) {
        sandbox.unscriptOthers();
      } else {
        sandbox.unscript(model);
      }
      done(request);
      return;
    }
    List<Behaviour> behaviours = behaviours(JsonTree.read(body.getBytes()));
    if (isForOthers) {
      sandbox.scriptOthers(behaviours.getFirst());
    } else {
      sandbox.script(
          model,
          behaviours.getFirst(),
          behaviours.subList(1, behaviours.size()).toArray(Behaviour[]::new));
    }
    done(request);
  }

  private static List<Behaviour> behaviours(JsonNode script) {
    var behaviours = new ArrayList<Behaviour>();
    if (script.isArray()) {
      script.forEach(entry -> behaviours.add(FaultReader.read(entry)));
    } else {
      behaviours.add(FaultReader.read(script));
    }
    if (behaviours.isEmpty()) {
      throw new IllegalArgumentException("it has no entry");
    }
    return behaviours;
  }

  private void requests(HttpServerRequest request) {
    if (request.method().equals(HttpMethod.DELETE)) {
      sandbox.clearReceived();
      done(request);
      return;
    }
    ArrayNode all = JsonTree.array();
    for (ReceivedRequest received : sandbox.received()) {
      all.addObject()
          .put("number", received.number())
          .put("model", received.model())
          .put("stream", received.stream())
          .put("aborted", received.aborted().isComplete())
          .put("body", received.text());
    }
    SandboxUpstream.answer(request, 200, JsonTree.write(all));
  }

  private static void done(HttpServerRequest request) {
    SandboxUpstream.answer(request, 200, "{\"done\":true}");
  }

  private static void fault(HttpServerRequest request, int status, String message) {
    var error = JsonTree.object();
    error.putObject("error").put("message", message).put("code", status);
    SandboxUpstream.answer(request, status, JsonTree.write(error));
  }
}

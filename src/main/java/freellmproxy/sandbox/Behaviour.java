package freellmproxy.sandbox;

import freellmproxy.sandbox.Step.Pause;
import freellmproxy.sandbox.Step.Write;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * How a model of the sandbox answers. Immutable; the methods below make variations, so that a fault
 * is a good answer with something done to it.
 */
@FunctionalInterface
public interface Behaviour {

  /** What to do for one request. */
  List<Step> steps(ReceivedRequest request);

  /** Does the same for every request. */
  static Behaviour of(Step... steps) {
    List<Step> fixed = List.of(steps);
    return request -> fixed;
  }

  /** The same after these steps. */
  default Behaviour after(Step... first) {
    return changed(steps -> {
      var all = new ArrayList<>(List.of(first));
      all.addAll(steps);
      return all;
    });
  }

  /** The same up to and with the {@code writes}-th write, then these steps and nothing more. */
  default Behaviour upTo(int writes, Step... then) {
    return changed(steps -> {
      var all = new ArrayList<Step>();
      int seen = 0;
      for (Step step : steps) {
        if (step instanceof Write && seen++ == writes) {
          break;
        }
        all.add(step);
      }
      all.removeIf(Step.End.class::isInstance);
      all.addAll(List.of(then));
      return all;
    });
  }

  /** The same with these steps inserted behind the {@code writes}-th write. */
  default Behaviour insert(int writes, Step... more) {
    return changed(steps -> {
      var all = new ArrayList<Step>();
      int seen = 0;
      for (Step step : steps) {
        if (step instanceof Write && seen++ == writes) {
          all.addAll(List.of(more));
        }
        all.add(step);
      }
      return all;
    });
  }

  /** The same with a pause before each write. */
  default Behaviour paced(Duration pause) {
    return changed(steps ->
        steps.stream()
            .<Step>mapMulti((step, out) -> {
              if (step instanceof Write) {
                out.accept(new Pause(pause));
              }
              out.accept(step);
            })
            .toList());
  }

  /** The same in writes of at most {@code size} bytes. */
  default Behaviour inPiecesOf(int size) {
    return changed(steps ->
        steps.stream()
            .<Step>mapMulti((step, out) -> {
              if (step instanceof Write write) {
                pieces(write.bytes(), size).forEach(out);
              } else {
                out.accept(step);
              }
            })
            .toList());
  }

  private static List<Write> pieces(byte[] bytes, int size) {
    var pieces = new ArrayList<Write>();
    for (int from = 0; from < bytes.length; from += size) {
      pieces.add(new Write(Arrays.copyOfRange(bytes, from, Math.min(from + size, bytes.length))));
    }
    return pieces;
  }

  private Behaviour changed(Function<List<Step>, List<Step>> change) {
    return request -> change.apply(steps(request));
  }
}

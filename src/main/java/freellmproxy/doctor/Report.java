package freellmproxy.doctor;

import com.fasterxml.jackson.databind.ObjectMapper;
import freellmproxy.doctor.Finding.State;
import java.util.List;
import java.util.Locale;

/**
 * What the doctor found, for people and for programs.
 *
 * @param findings what others depend on comes first, so the first fault is the one to mend first
 */
public record Report(List<Finding> findings) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** As wide as a terminal mostly is; texts begin behind mark and check. */
  private static final int WIDTH = 80;

  private static final int INDENTATION = 12;

  public Report {
    findings = List.copyOf(findings);
  }

  /** For a terminal. */
  public String table() {
    var out = new StringBuilder();
    for (Finding finding : findings) {
      String mark =
          switch (finding.state()) {
            case OK -> "✓";
            case WARNING -> "!";
            case FAULT -> "✗";
          };
      String begin = String.format(Locale.ROOT, "%s %-9s ", mark, finding.check());
      append(out, begin, finding.detail(), INDENTATION);
      if (!finding.fix().isEmpty()) {
        append(out, " ".repeat(INDENTATION) + "→ ", finding.fix(), INDENTATION + 2);
      }
    }
    return out.append(String.format("%n%s%n", summary())).toString();
  }

  private static void append(StringBuilder out, String begin, String text, int indentation) {
    List<String> lines = Words.wrapped(text, WIDTH - indentation);
    String between = String.format("%n") + " ".repeat(indentation);
    out.append(begin).append(String.join(between, lines)).append(String.format("%n"));
  }

  /** As one JSON object. */
  public String json() {
    var root = JSON.createObjectNode();
    root.put("ok", isFine());
    root.put("summary", summary());
    var all = root.putArray("findings");
    for (Finding finding : findings) {
      all.addObject()
          .put("check", finding.check())
          .put("state", finding.state().name().toLowerCase(Locale.ROOT))
          .put("detail", finding.detail())
          .put("fix", finding.fix());
    }
    return root.toPrettyString();
  }

  /** One line. */
  String summary() {
    long faults = count(State.FAULT);
    long warnings = count(State.WARNING);
    if (faults == 0) {
      return warnings == 0 ? "Nothing is wrong." : "No fault, " + warnings(warnings) + ".";
    }
    String both = Words.count(faults, "fault") + (warnings == 0 ? "" : ", " + warnings(warnings));
    return both + ": mend the first ✗ first, then run the doctor again.";
  }

  private static String warnings(long number) {
    return Words.count(number, "warning") + " (!)";
  }

  private long count(State state) {
    return findings.stream().filter(finding -> finding.state() == state).count();
  }

  /** Whether nothing stands in the way. */
  public boolean isFine() {
    return count(State.FAULT) == 0;
  }
}

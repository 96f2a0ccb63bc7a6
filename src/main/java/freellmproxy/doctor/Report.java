package freellmproxy.doctor;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Locale;

/** What the doctor found, for people and for programs. */
public record Report(List<Finding> findings) {
  private static final ObjectMapper JSON = new ObjectMapper();

  public Report {
    findings = List.copyOf(findings);
  }

  /** As a table for a terminal. */
  public String table() {
    var out = new StringBuilder();
    for (Finding finding : findings) {
      String mark =
          switch (finding.state()) {
            case OK -> "✓";
            case WARNING -> "!";
            case FAULT -> "✗";
          };
      out.append(
          String.format(Locale.ROOT, "%s %-9s %s%n", mark, finding.check(), finding.detail()));
      if (!finding.fix().isEmpty()) {
        out.append(String.format(Locale.ROOT, "  %-9s → %s%n", "", finding.fix()));
      }
    }
    return out.toString();
  }

  /** As one JSON object. */
  public String json() {
    var root = JSON.createObjectNode();
    root.put("ok", isFine());
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

  /** Whether nothing stands in the way. */
  public boolean isFine() {
    return findings.stream().noneMatch(finding -> finding.state() == Finding.State.FAULT);
  }
}

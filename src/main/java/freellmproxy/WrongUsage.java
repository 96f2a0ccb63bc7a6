package freellmproxy;

import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * What is said of a command line that makes no sense: what is wrong, what was meant where that is
 * near, and where more is to be found. picocli would print the whole help, or guess wildly.
 */
final class WrongUsage implements IParameterExceptionHandler {

  @Override
  public int handleParseException(ParameterException wrong, String[] args) {
    CommandLine command = wrong.getCommandLine();
    PrintWriter err = command.getErr();
    if (wrong instanceof UnmatchedArgumentException unmatched
        && !unmatched.getUnmatched().isEmpty()) {
      explain(command, unmatched.getUnmatched().getFirst(), err);
    } else {
      err.println(wrong.getMessage());
    }
    boolean isMain = command.getParent() == null;
    err.println(
        CalledAs.command()
            + " help"
            + (isMain ? "" : " " + command.getCommandName())
            + " says more.");
    err.flush();
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  private static void explain(CommandLine command, String word, PrintWriter err) {
    boolean isOption = word.startsWith("-");
    List<String> known = isOption ? options(command) : commands(command);
    err.printf(
        "There is no %s '%s'%s.%s%n",
        isOption ? "option" : "command",
        word,
        command.getParent() == null ? "" : " of " + command.getCommandName(),
        near(word, known).map(each -> " Did you mean " + each + "?").orElse(""));
    if (!known.isEmpty()) {
      err.println((isOption ? "Options: " : "Commands: ") + String.join(", ", known));
    }
  }

  private static List<String> options(CommandLine command) {
    return command.getCommandSpec().options().stream().map(OptionSpec::longestName).toList();
  }

  private static List<String> commands(CommandLine command) {
    return command.getSubcommands().entrySet().stream()
        .filter(each -> !each.getValue().getCommandSpec().usageMessage().hidden())
        .map(Map.Entry::getKey)
        .toList();
  }

  /**
   * The only one that a slip of the finger explains, or else the only one that begins like this.
   */
  static Optional<String> near(String word, List<String> known) {
    List<String> slips = known.stream().filter(each -> isSlip(word, each)).toList();
    List<String> longer =
        known.stream().filter(each -> word.length() >= 2 && each.startsWith(word)).toList();
    return Stream.of(slips, longer)
        .filter(each -> each.size() == 1)
        .map(List::getFirst)
        .findFirst();
  }

  /** Whether a letter that was left out, added, replaced or swapped makes one of the other. */
  private static boolean isSlip(String a, String b) {
    if (Math.abs(a.length() - b.length()) > 1 || a.length() < 3) {
      return false;
    }
    int start = 0;
    while (start < Math.min(a.length(), b.length()) && a.charAt(start) == b.charAt(start)) {
      start++;
    }
    String restOfA = a.substring(start);
    String restOfB = b.substring(start);
    return cut(restOfA, 1).equals(cut(restOfB, 1))
        || cut(restOfA, 1).equals(restOfB)
        || restOfA.equals(cut(restOfB, 1))
        || (restOfA.length() > 1
            && restOfB.length() > 1
            && restOfA.charAt(0) == restOfB.charAt(1)
            && restOfA.charAt(1) == restOfB.charAt(0)
            && cut(restOfA, 2).equals(cut(restOfB, 2)));
  }

  private static String cut(String text, int letters) {
    return text.substring(Math.min(text.length(), letters));
  }
}

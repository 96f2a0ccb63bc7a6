package freellmproxy.doctor;

import freellmproxy.config.UnknownName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The settings file: where it was looked for, whether it is there and who may read it. */
final class FileCheck {
  private static final String CHECK = ".env";

  private final Path file;

  FileCheck(Path file) {
    this.file = file;
  }

  /**
   * What is odd about the file, but for what is wrong inside it.
   *
   * @param isNeeded whether the environment does not have what must be set
   */
  List<Finding> findings(boolean isNeeded) {
    if (!Files.exists(file)) {
      return List.of(missing(isNeeded));
    }
    var findings = new ArrayList<Finding>();
    if (Files.isRegularFile(file) && Files.isReadable(file)) {
      readers().map(this::readByOthers).ifPresent(findings::add);
      UnknownName.in(file).forEach(unknown -> findings.add(unknown(unknown)));
      if (findings.isEmpty()) {
        findings.add(Finding.ok(CHECK, file + " was read"));
      }
    }
    return findings;
  }

  private Finding missing(boolean isNeeded) {
    if (!isNeeded) {
      return Finding.ok(CHECK, "there is none at " + file + "; the environment has the keys");
    }
    String otherwise = "Or copy .env.example to " + file + " and put the two keys into it.";
    return Finding.failed(
        CHECK,
        "there is no file " + file + ", and the environment lacks a key",
        likelyPlace()
            .map(place -> "There is " + place + ": " + useOf(place) + ". " + otherwise)
            .orElse("Start in the folder that has it (`cd`). " + otherwise));
  }

  private static String useOf(Path place) {
    return place.endsWith(CHECK) ? "start in its folder (`cd ..`)" : "rename it to " + CHECK;
  }

  /** A file with another name, or one folder further up. */
  private Optional<Path> likelyPlace() {
    return Stream.of(".env.txt", "env", ".env.local", "_env", "../.env")
        .map(name -> file.resolveSibling(name).normalize())
        .filter(Files::isRegularFile)
        .findFirst();
  }

  /** The rights, when others than its owner may read it. */
  private Optional<String> readers() {
    try {
      Set<PosixFilePermission> rights = Files.getPosixFilePermissions(file);
      return rights.contains(PosixFilePermission.GROUP_READ)
              || rights.contains(PosixFilePermission.OTHERS_READ)
          ? Optional.of(PosixFilePermissions.toString(rights))
          : Optional.empty();
    } catch (IOException | UnsupportedOperationException unknown) {
      return Optional.empty();
    }
  }

  private Finding readByOthers(String rights) {
    return Finding.warning(
        CHECK,
        "%s can be read by other users of this machine (%s), and has keys in it"
            .formatted(file, rights),
        "Run `chmod 600 " + file + "`.");
  }

  private Finding unknown(UnknownName unknown) {
    String name = unknown.name();
    String detail = name + " in " + file + " is no setting of the proxy and does nothing";
    if (name.startsWith("JAVA_")) {
      return Finding.warning(
          CHECK, detail, "Set " + name + " in the environment: Java begins before .env is read.");
    }
    return Finding.warning(
        CHECK,
        unknown.meant().map(ours -> detail + "; did you mean " + ours + "?").orElse(detail),
        unknown
            .meant()
            .map(ours -> "Rename it to " + ours + ", or remove the line.")
            .orElse("Remove the line; README.md lists all names."));
  }
}

package freellmproxy.setup;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A client's file of settings on disk. */
public final class ClientFile {
  private ClientFile() {}

  /**
   * What writing did.
   *
   * @param backup a copy of the file as it was; null when there was none
   */
  public record Written(boolean changed, @Nullable Path backup) {}

  /**
   * Adds what the client needs to its file. The old content stays in a backup beside it; a file
   * that cannot be understood is left alone.
   *
   * @return empty for a client that has no file to merge into
   * @throws IOException when the disk fails
   */
  public static Optional<Written> write(Client client, String url, Path named)
      throws IOException, UnmergeableFile {
    Optional<Merge> merge = client.merge(url);
    return merge.isEmpty() ? Optional.empty() : Optional.of(write(merge.get(), named));
  }

  private static Written write(Merge merge, Path named) throws IOException, UnmergeableFile {
    boolean exists = Files.exists(named);
    // Behind a link stands the file that is meant.
    Path file = exists ? named.toRealPath() : named.toAbsolutePath();
    String old = exists ? read(file) : "";
    String merged = merge.into(old);
    if (merged.equals(old)) {
      return new Written(false, null);
    }
    Path backup = exists ? backUp(file) : null;
    Files.createDirectories(file.getParent());
    if (exists) {
      // In place: it keeps its owner and its permissions.
      Files.writeString(file, merged);
    } else {
      Path fresh = Files.createTempFile(file.getParent(), file.getFileName() + ".", ".new");
      Files.writeString(fresh, merged);
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    }
    return new Written(true, backup);
  }

  private static String read(Path file) throws IOException, UnmergeableFile {
    try {
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new UnmergeableFile("it is not UTF-8 text");
    }
  }

  private static Path backUp(Path file) throws IOException {
    int number = 1;
    Path backup = file.resolveSibling(file.getFileName() + ".bak");
    while (Files.exists(backup)) {
      backup = file.resolveSibling(file.getFileName() + ".bak." + ++number);
    }
    return Files.copy(file, backup, StandardCopyOption.COPY_ATTRIBUTES);
  }
}

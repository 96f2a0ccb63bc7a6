package freellmproxy.config;

/**
 * Something wrong with a setting.
 *
 * @param name of the setting, or of the file
 * @param fault what is wrong with its value
 * @param fix what to do
 */
public record Problem(String name, String fault, String fix) {
  @Override
  public String toString() {
    return name + ": " + fault + ". " + fix;
  }
}

package freellmproxy.config;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * The settings in force. {@link #reload} puts others into force while requests are being answered;
 * a request keeps those it began with, as it keeps its list. Thread-safe.
 */
public final class LiveSettings {
  private final Supplier<SettingsLoader.Result> source;
  private volatile SettingsLoader.Result.Loaded inForce;

  /**
   * Begins with {@code first}.
   *
   * @param source reads everything again; may block
   */
  public LiveSettings(SettingsLoader.Result.Loaded first, Supplier<SettingsLoader.Result> source) {
    this.inForce = first;
    this.source = source;
  }

  /** What came of reading the settings again. */
  public sealed interface Reload {
    /**
     * They are good.
     *
     * @param applied settings whose new value counts from now on
     * @param restartNeeded settings that were changed too, but keep their old value until a restart
     * @param warnings as at a start
     */
    record Done(List<Setting> applied, List<Setting> restartNeeded, List<String> warnings)
        implements Reload {}

    /** They are not; all old ones stay. */
    record Refused(List<Problem> problems) implements Reload {}
  }

  /** The settings of this moment. */
  public Settings current() {
    return inForce.settings();
  }

  /** The same, with where each value came from. */
  public SettingsLoader.Result.Loaded loaded() {
    return inForce;
  }

  /** Reads the settings again and applies those that can change at run time. Blocks on a file. */
  public synchronized Reload reload() {
    return switch (source.get()) {
      case SettingsLoader.Result.Refused refused -> new Reload.Refused(refused.problems());
      case SettingsLoader.Result.Loaded fresh -> apply(fresh);
    };
  }

  private Reload apply(SettingsLoader.Result.Loaded fresh) {
    var applied = new ArrayList<Setting>();
    var restartNeeded = new ArrayList<Setting>();
    var origins = new ArrayList<Origin>();
    for (int i = 0; i < fresh.origins().size(); i++) {
      Origin old = inForce.origins().get(i);
      Origin now = fresh.origins().get(i);
      Setting setting = now.setting();
      if (!now.value().equals(old.value())) {
        (setting.changesAtRunTime() ? applied : restartNeeded).add(setting);
      }
      // What waits for a restart is named again at the next reload.
      origins.add(setting.changesAtRunTime() ? now : old);
    }
    inForce =
        new SettingsLoader.Result.Loaded(
            inForce.settings().reloaded(fresh.settings()),
            fresh.warnings(),
            List.copyOf(origins),
            fresh.dotEnv());
    return new Reload.Done(List.copyOf(applied), List.copyOf(restartNeeded), fresh.warnings());
  }
}

package au.com.dius.pact.telemetry;

/** Who shows the person the notice before anything leaves the machine. */
public enum Notice {
  /** The native library, on standard error. The default. */
  STDERR("stderr"),
  /**
   * The host program, in its own way, with the text of {@link Explanation#notice()}. Nothing leaves
   * the machine until a client is built with {@link #SHOWN}.
   */
  HOST("host"),
  /** The host program has shown it. */
  SHOWN("shown");

  final String key;

  Notice(String key) {
    this.key = key;
  }
}

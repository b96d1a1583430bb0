package au.com.dius.pact.telemetry;

/** Chooses how to make foreign calls. On Java 22 and up the class of this name there wins. */
final class Backends {
  private Backends() {}

  /**
   * Opens a library.
   *
   * @param name an absolute path, or a name that the system's loader finds
   */
  static Backend open(String name) {
    return JnaBackend.open(name);
  }
}

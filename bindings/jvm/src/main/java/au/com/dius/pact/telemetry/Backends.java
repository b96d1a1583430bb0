package au.com.dius.pact.telemetry;

/** Chooses how to make foreign calls. On Java 22 and later the class of this name there wins. */
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

  /** Why a client that requires native access does nothing. A constant would be that of one JDK. */
  static String howToGrant() {
    return "native access is not granted";
  }

  /** May foreign calls be made without a warning of the JVM? */
  static boolean hasNativeAccess() {
    return true;
  }
}

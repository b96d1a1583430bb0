package au.com.dius.pact.telemetry;

/** Chooses how to make foreign calls. Java 22 and later use the class of this name in java22. */
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

  /**
   * Why a client that requires native access does nothing. It is no constant, because the compiler
   * would copy the value of one version of Java into the other classes.
   */
  static String howToGrant() {
    return "native access is not granted";
  }

  /** Whether foreign calls may be made without a warning of the JVM. */
  static boolean hasNativeAccess() {
    return true;
  }
}

package au.com.dius.pact.telemetry;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;

/** Chooses how to make foreign calls on Java 22 and up: the JDK's own way, else JNA. */
final class Backends {
  private Backends() {}

  /**
   * Opens a library.
   *
   * @param name an absolute path, or a name that the system's loader finds
   */
  @SuppressWarnings("restricted") // Foreign calls are what this package is for.
  static Backend open(String name) {
    try {
      return FfmBackend.open(SymbolLookup.libraryLookup(name, Arena.global()));
    } catch (IllegalCallerException | UnsupportedOperationException denied) {
      // Native access is given module by module: JNA's may have it where ours has not.
      try {
        return JnaBackend.open(name);
      } catch (LinkageError alsoDenied) {
        UnsatisfiedLinkError error =
            new UnsatisfiedLinkError(
                "the JVM denies native access; start it with --enable-native-access=ALL-UNNAMED");
        error.initCause(denied);
        throw error;
      }
    }
  }
}

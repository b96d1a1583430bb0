package au.com.dius.pact.telemetry;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;

/** Chooses how to make foreign calls on Java 22 and later: java.lang.foreign, otherwise JNA. */
final class Backends {
  private Backends() {}

  /**
   * Opens a library.
   *
   * @param name an absolute path, or a name that the system's loader finds
   */
  static Backend open(String name) {
    if (!mayCall(Backends.class) && jnaMayCall()) {
      return JnaBackend.open(name);
    }
    try {
      return openByFfm(name);
    } catch (IllegalCallerException | UnsupportedOperationException denied) {
      UnsatisfiedLinkError error = new UnsatisfiedLinkError(howToGrant());
      error.initCause(denied);
      throw error;
    }
  }

  @SuppressWarnings("restricted") // Foreign calls are what this package is for.
  private static Backend openByFfm(String name) {
    return FfmBackend.open(SymbolLookup.libraryLookup(name, Arena.global()));
  }

  /** Why a client that requires native access does nothing. */
  static String howToGrant() {
    return "the JVM denies native access; start it with --enable-native-access=ALL-UNNAMED";
  }

  /** Whether foreign calls may be made without a warning of the JVM. */
  static boolean hasNativeAccess() {
    return mayCall(Backends.class) || jnaMayCall();
  }

  private static boolean mayCall(Class<?> caller) {
    return caller.getModule().isNativeAccessEnabled();
  }

  /** Native access is granted to each module separately. Before Java 24, JNA does not need it. */
  private static boolean jnaMayCall() {
    try {
      return Runtime.version().feature() < 24 || mayCall(com.sun.jna.Library.class);
    } catch (LinkageError noJna) {
      return false;
    }
  }
}

package au.com.dius.pact.telemetry;

import java.io.File;
import java.time.Duration;

/**
 * The shutdown hook of this package. Events that the native library has accepted are handled by the
 * library's own exit handler, within its limit. This hook does what that handler cannot do: it
 * waits for the library if events still wait for it to be loaded, and it persists events on
 * Windows, where the library learns of the exit only when its threads are gone. Elsewhere the hook
 * is removed when the library is loaded, because a hook keeps the class loader alive.
 */
final class ExitHook extends Thread {
  /** The longest wait for the library to be loaded. Loading needs the processor and no network. */
  private static final Duration LOADED = Duration.ofSeconds(2);

  /** The longest wait for a disk. */
  private static final Duration PERSISTED = Duration.ofMillis(100);

  private static final boolean WINDOWS = File.separatorChar == '\\';

  /** The JVM runs its shutdown hooks. */
  private static volatile boolean exits;

  private ExitHook() {
    super(null, null, "pact-telemetry-exit", 0, false);
    setContextClassLoader(null);
  }

  static ExitHook install() {
    ExitHook hook = new ExitHook();
    try {
      Runtime.getRuntime().addShutdownHook(hook);
    } catch (IllegalStateException late) {
      exits = true;
    } catch (SecurityException forbidden) {
      return hook;
    }
    return hook;
  }

  /**
   * Waits for the library if the JVM is exiting. Then a shutdown hook of the host program tracked
   * the event, and this hook may have ended before. Nothing else waits for the library.
   */
  static void awaitLibraryAtExit() {
    if (exits) {
      saveAll(false);
    }
  }

  /** Removes the hook where the native library learns of the exit in time. */
  void remove() {
    try {
      if (!WINDOWS) {
        Runtime.getRuntime().removeShutdownHook(this);
      }
    } catch (IllegalStateException | SecurityException ends) {
      // The hook is running already.
      return;
    }
  }

  @Override
  public void run() {
    exits = true;
    try {
      saveAll(WINDOWS);
    } catch (Throwable fault) {
      // Without this, the JVM would print it.
      return;
    }
  }

  /** Waits until the library has the events that wait for it. With persist, puts them on disk. */
  static void saveAll(boolean persist) {
    if (Session.anyWaits()) {
      Library.await(Deadline.in(LOADED));
    }
    if (persist) {
      Forgotten.persistAll(Deadline.in(PERSISTED));
    }
  }
}

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

  private ExitHook() {
    super(null, null, "pact-telemetry-exit", 0, false);
    setContextClassLoader(null);
  }

  static ExitHook install() {
    ExitHook hook = new ExitHook();
    try {
      Runtime.getRuntime().addShutdownHook(hook);
    } catch (IllegalStateException | SecurityException endsAlready) {
      // The JVM is exiting already. Events that wait here are lost; nothing else can be done.
      return hook;
    }
    return hook;
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

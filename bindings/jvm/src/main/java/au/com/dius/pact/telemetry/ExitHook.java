package au.com.dius.pact.telemetry;

import java.io.File;
import java.time.Duration;

/**
 * The end of a JVM. Once an event is with the native library, the library's own exit handler takes
 * care of it, within its limit. This hook covers what that handler cannot: events that wait here
 * because the library is still being loaded; and Windows, where the library hears of the end only
 * when its threads are gone. Elsewhere it is removed when the library is loaded, because a hook
 * keeps the class loader alive.
 */
final class ExitHook extends Thread {
  /** The longest wait for the library to be loaded, which is work of the processor alone. */
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
      // Then what waits here is lost; nothing else can be done.
      return hook;
    }
    return hook;
  }

  /** Removes the hook where the native library hears of the end itself. */
  void remove() {
    try {
      if (!WINDOWS) {
        Runtime.getRuntime().removeShutdownHook(this);
      }
    } catch (IllegalStateException | SecurityException ends) {
      // It runs already.
      return;
    }
  }

  @Override
  public void run() {
    try {
      saveAll(WINDOWS);
    } catch (Throwable fault) {
      // The JVM would print it.
      return;
    }
  }

  /** Hands over what waits here, and if told so, has everything on disk. */
  static void saveAll(boolean persist) {
    if (Session.anyWaits()) {
      Library.await(Deadline.in(LOADED));
    }
    if (persist) {
      Forgotten.persistAll(Deadline.in(PERSISTED));
    }
  }
}

package au.com.dius.pact.telemetry;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The native library of this process, or the reason why there is none. When the first client needs
 * it, a separate thread loads it, once. That takes up to half a second, for which no caller waits.
 * Clients that need the library before it is loaded are opened by that thread.
 */
final class Library {
  private static final Object LOCK = new Object();
  private static volatile @Nullable Library loaded;

  /**
   * Sessions to open when the library is loaded; null while nothing loads it. Guarded by the lock.
   */
  private static @Nullable List<Session> waiting;

  /** Sessions that wait for the library or use it. Guarded by the lock. */
  private static int users;

  private final @Nullable Calls calls;
  private final String missing;
  private volatile @Nullable String unknownStatus;

  private Library(@Nullable Calls calls, String missing) {
    this.calls = calls;
    this.missing = missing;
  }

  static Library of(Backend backend) {
    return new Library(new Calls(backend), "");
  }

  static Library missing(String reason) {
    return new Library(null, reason);
  }

  /** The library, if it is loaded or cannot be; null before that. */
  static @Nullable Library loaded() {
    return loaded;
  }

  /** Opens the session with the library: now if it is loaded, otherwise on the loading thread. */
  static void open(Session session) {
    Library now;
    synchronized (LOCK) {
      retain();
      now = loaded;
      if (now == null && waiting != null) {
        waiting.add(session);
        return;
      }
      if (now == null) {
        waiting = new ArrayList<>(List.of(session));
      }
    }
    if (now != null) {
      session.openWith(now);
      return;
    }
    try {
      // The hook is installed before the thread starts, since the JVM may exit before the thread
      // runs.
      new LoaderThread(ExitHook.install()).start();
    } catch (Throwable noThread) {
      finish(missing("no thread could be started to load it: " + noThread));
    }
  }

  /** Counts one more session, until {@link #release}. */
  static void retain() {
    synchronized (LOCK) {
      users++;
    }
  }

  /** A session no longer needs the library: its native client was freed, or there is none. */
  static void release() {
    synchronized (LOCK) {
      users--;
      unloadUnused();
    }
  }

  /** Releases what would keep the class loader alive. The caller holds the lock. */
  private static void unloadUnused() {
    Library now = loaded;
    Calls calls = now == null ? null : now.calls;
    if (users == 0 && calls != null && calls.backend().release()) {
      loaded = null;
    }
  }

  /** A daemon thread, so that no JVM waits for it. The JVM does not print what it throws. */
  private static final class LoaderThread extends Thread
      implements Thread.UncaughtExceptionHandler {
    private final ExitHook hook;

    LoaderThread(ExitHook hook) {
      super(null, null, "pact-telemetry-loader", 0, false);
      this.hook = hook;
      setDaemon(true);
      setUncaughtExceptionHandler(this);
      setContextClassLoader(null);
    }

    @Override
    public void run() {
      loadNow(hook);
    }

    @Override
    public void uncaughtException(Thread thread, Throwable failure) {
      // loadNow() has handled it, as far as that is possible.
    }
  }

  /**
   * Loads the library on the thread. A host program may close its class loader meanwhile, and then
   * no further class can be loaded: the catch block uses only the classes of this file.
   */
  private static void loadNow(ExitHook hook) {
    try {
      try {
        Library library = Loader.load(System.getenv());
        library.warmUp();
        finish(library);
      } finally {
        hook.remove();
      }
    } catch (Throwable failure) {
      finish(missing(String.valueOf(failure)));
    }
  }

  /** Opens the sessions that wait. From then on, each session is opened at once. */
  private static void finish(Library library) {
    while (true) {
      List<Session> sessions;
      synchronized (LOCK) {
        sessions = waiting == null ? List.of() : waiting;
        if (sessions.isEmpty()) {
          waiting = null;
          loaded = library;
          LOCK.notifyAll();
          unloadUnused();
          return;
        }
        waiting = new ArrayList<>();
      }
      for (Session session : sessions) {
        session.openWith(library);
      }
    }
  }

  /** Waits until the library is loaded and the sessions that waited for it are opened. */
  static void await(Deadline deadline) {
    synchronized (LOCK) {
      boolean time = true;
      while (time && loaded == null && waiting != null) {
        time = deadline.await(LOCK);
      }
    }
  }

  /** Makes the calls that a client makes first, so that their classes and handles are loaded. */
  private void warmUp() {
    if (calls != null) {
      byte[] text = Utf8.constant("x");
      outcome(calls.track(0, text, text, text, 0, null, null));
      calls.backend().pact_telemetry_set_enabled(0, 1);
    }
  }

  /** Why there is no library; empty if there is one. */
  String missing() {
    return missing;
  }

  /** Its functions; null if there is no library. */
  @Nullable Calls calls() {
    return calls;
  }

  /** The outcome of a status; remembers the name of one that this package does not know. */
  Outcome outcome(int status) {
    Outcome outcome = Outcome.of(status);
    if (calls != null && (outcome == Outcome.UNKNOWN || outcome == Outcome.UNKNOWN_ERROR)) {
      unknownStatus = calls.statusName(status) + " (" + status + ")";
    }
    return outcome;
  }

  /** The last status that this package does not know, or null. */
  @Nullable String unknownStatus() {
    return unknownStatus;
  }
}

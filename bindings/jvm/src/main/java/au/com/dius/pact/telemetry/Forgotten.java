package au.com.dius.pact.telemetry;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Closes clients that were never closed and that nothing refers to any more. It looks for them when
 * the next client is made. A thread that waits for them, such as that of java.lang.ref.Cleaner,
 * would keep the class loader alive as long as any client.
 */
final class Forgotten extends PhantomReference<Telemetry> {
  private static final ReferenceQueue<Telemetry> QUEUE = new ReferenceQueue<>();
  private static final Set<Forgotten> OPEN = ConcurrentHashMap.newKeySet();

  private final Session session;

  private Forgotten(Telemetry telemetry, Session session) {
    super(telemetry, QUEUE);
    this.session = session;
  }

  static void watch(Telemetry telemetry, Session session) {
    release();
    Forgotten reference = new Forgotten(telemetry, session);
    OPEN.add(reference);
    session.watchedBy(reference);
  }

  /** Closes the clients that became unreachable since the last call. */
  static void release() {
    for (Object found; (found = QUEUE.poll()) != null; ) {
      if (found instanceof Forgotten forgotten) {
        forgotten.session.forget();
      }
    }
  }

  /** Called when the session is closed: nothing is left to be freed. */
  void done() {
    OPEN.remove(this);
  }

  /** Puts the events of all open clients on disk. */
  static void persistAll(Deadline deadline) {
    for (Forgotten open : OPEN) {
      open.session.persist(deadline);
    }
  }
}

package au.com.dius.pact.telemetry;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Frees the native clients of those that were never closed. It looks for them when the next client
 * is made: a thread that waits for them, as java.lang.ref.Cleaner has one, would keep the class
 * loader alive for as long as any client is.
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

  /** Lets go of those that were forgotten since the last call. */
  static void release() {
    for (Object found; (found = QUEUE.poll()) != null; ) {
      if (found instanceof Forgotten forgotten) {
        forgotten.session.forget();
      }
    }
  }

  /** The session is closed: there is nothing left to free. */
  void done() {
    OPEN.remove(this);
  }

  /** Has everything on disk that waits anywhere. */
  static void persistAll(Deadline deadline) {
    for (Forgotten open : OPEN) {
      open.session.persist(deadline);
    }
  }
}
